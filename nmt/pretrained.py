"""Another run's weights and tokenizer, for a run that starts from them (fine-tuning).

Knows nothing of how that run goes on.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from nmt.changes import differing
from nmt.checkpoint import Arrays
from nmt.config import Config
from nmt.errors import ConfigError, RunError
from nmt.files import behind_links
from nmt.run import open_run
from nmt.tokenizer import TokenizerPair

# What may differ: it changes no weight's shape, and no token's id.
_FREE = ("model.dropout.", "tokenizer.sampling")


@dataclass(frozen=True)
class Pretrained:
    """What is taken from a checkpoint, which may then be removed."""

    checkpoint: Path
    tokenizers: TokenizerPair
    weights: Arrays  # those that translation uses

    @property
    def checksum(self) -> str:
        """SHA-256 (hex) of what is taken."""
        digest = hashlib.sha256(self.tokenizers.checksum.encode())
        for name, value in sorted(self.weights.items()):
            digest.update(name.encode() + value.tobytes())
        return digest.hexdigest()


def open_pretrained(config: Config) -> Pretrained | None:
    """What `training.start_from` names; None: weights are drawn at random.

    Raises: ConfigError if there is no checkpoint, or one of the run itself, or of a
        model or tokenizer that the configuration does not describe.
    """
    path = config.training.start_from
    if path is None:
        return None
    try:
        found = open_run(path)
    except RunError as error:
        raise ConfigError(f"training.start_from: {error}") from None
    if behind_links(found.directory) == behind_links(config.run_dir):
        raise ConfigError(
            f"training.start_from: {path} is in run_dir itself; expected another run: "
            "give this one another run_dir (to train a run for longer, raise "
            "training.epochs and start it again)"
        )
    unlike = [
        f"{key}: {here} here, {there} there"
        for key, here, there in differing(config, found.config)
        if key.startswith(("model.", "tokenizer.")) and not key.startswith(_FREE)
    ]
    if unlike:
        raise ConfigError(
            f"training.start_from: {path} is of another model or tokenizer than this "
            "configuration:\n  " + "\n  ".join(unlike) + "\n"
            f"Give these keys the values of {found.directory / 'config.yaml'}, or "
            "leave training.start_from out"
        )
    weights = found.model().parameters.values()
    return Pretrained(found.checkpoint, found.tokenizers, weights)
