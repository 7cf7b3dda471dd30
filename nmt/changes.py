"""What may change between two starts of one run, and what makes it another run.

Knows nothing of what is on disk.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from nmt.config import Config
from nmt.errors import RunError

# What may change between two starts of one run; `training.` and all below otherwise
# decides what the updates already made were.
_CHANGEABLE = (
    "decoding.",
    "data.train",  # the paths: the content is known by its checksum
    "data.source_language",
    "data.target_language",
    "data.validation.",
    "model.dropout.",
    "training.epochs",
    "training.steps",
    "training.learning_rate",
    "training.schedule",
    "training.warmup_steps",
    "training.plateau_",
    "training.label_smoothing",
    "training.clip_norm",
    "training.average_decay",
    "training.precision",  # the weights are float32 with each
    "training.validate_every",
    "training.keep",
    "training.early_stopping",
    "training.strategy",
    "training.deterministic",
)


def refuse_another_run(path: Path, before: Mapping[str, Any], config: Config) -> None:
    """Nothing, if the run at `path`, of the identity `before`, can go on with `config`.

    Raises: RunError with each key that may not change, its old and its new value.
    """
    fixed = identity(config)
    refused = [
        f"{key}: {_in_yaml(old)} -> {_in_yaml(fixed.get(key))}"
        for key, old in before.items()
        if fixed.get(key) != old
    ]
    if refused:
        raise RunError(
            f"{path}: holds a run of another configuration, which cannot "
            "go on with this one:\n  " + "\n  ".join(refused) + "\n"
            "Put the old values back, or choose another run_dir, or start anew "
            "with --restart (the old run is moved aside)"
        )


def differences(before: Config, after: Config) -> list[str]:
    """`key: old -> new` for each value that differs."""
    return [f"{key}: {old} -> {new}" for key, old, new in differing(before, after)]


def differing(one: Config, other: Config) -> Iterator[tuple[str, str, str]]:
    """Each key whose values differ, run_dir apart, with both as YAML spells them."""
    first, second = flat(one), flat(other)
    for key in first | second:
        if first.get(key) != second.get(key) and key != "run_dir":
            yield key, _in_yaml(first.get(key)), _in_yaml(second.get(key))


def _in_yaml(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def identity(config: Config) -> dict[str, Any]:
    """The keys that make a run the run it is, with their values."""
    return {
        key: value
        for key, value in flat(config).items()
        if key != "run_dir" and not key.startswith(_CHANGEABLE)
    }


def flat(config: Config) -> dict[str, Any]:
    """All values by dotted key."""

    def leaves(value: Any, key: str) -> Iterator[tuple[str, Any]]:
        if isinstance(value, dict):
            for name, inner in value.items():
                yield from leaves(inner, f"{key}.{name}" if key else name)
        else:
            yield key, value

    return dict(leaves(config.model_dump(mode="json"), ""))
