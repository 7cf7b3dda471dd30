"""metrics.jsonl read back: how a run went, for whoever draws or tells it.

Knows nothing of TensorFlow, nor of how a run is trained. A line is a JSON object with
`kind`, `step` (updates so far), the FIGURES of its kind, each a number or null where it
was not finite, and what else is worth keeping:

    train        an interval of updates
    validation   `best`, the `signature` of its BLEU
    start        the program began or went on: `time` (ISO 8601), the machine's facts
    skipped      an update without a finite `loss` or `gradient_norm`: the `epoch`, the
                 `lines` of its batch by source file
    rollback     back to `step` from `from_step`, with the `learning_rate` of the next
                 update; `skipped`: those lines, of the updates that are undone
"""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nmt.errors import RunError
from nmt.text import read_raw_lines

Record = dict[str, Any]
Array = np.ndarray[Any, np.dtype[np.float64]]

METRICS = "metrics.jsonl"  # in a run directory

FIGURES = {
    "train": (
        "epoch",  # from 1: the one that the last of the updates belongs to
        "loss",  # nats a target token, without label smoothing
        "learning_rate",  # of the last update
        "gradient_norm",  # of the last update, before it was clipped
        "source_tokens_per_second",  # end of sentence counted, padding not
        "target_tokens_per_second",
        "data_wait",  # share of the time
        "padding",  # share of the target positions
        "seconds",
    ),
    "validation": (
        "epoch",  # 0: before the first update, of a run that starts from another one
        "loss",  # nats a target token, without label smoothing
        "perplexity",
        "bleu",  # 0 to 100, of greedy translations
        "chrf",
        "seconds",
    ),
}


@dataclass(frozen=True)
class History:
    """What a run recorded, by kind, in the order of its updates."""

    train: list[Record]
    validation: list[Record]
    starts: list[Record]

    @property
    def best(self) -> Record | None:
        """The validation that was better than all before it and after it."""
        found = [record for record in self.validation if record.get("best") is True]
        return found[-1] if found else None


def column(records: list[Record], name: str) -> Array:
    """One figure of each record; nan where it was not finite or not recorded."""
    values = [record.get(name) for record in records]
    return np.array([np.nan if value is None else value for value in values], float)


def read_history(run: Path) -> History:
    """The records in the run directory `run`.

    The last line may be half a record, which a crash leaves or a training that goes on:
    it is left out.

    Raises: RunError if there is no record, or where one is damaged.
    """
    file = run / METRICS
    if not file.is_file():
        raise RunError(
            f"{file}: no such file; expected a run directory that nmt train has made"
        )
    by_kind: dict[str, list[Record]] = {kind: [] for kind in FIGURES}
    for number, line in enumerate(read_raw_lines(file), start=1):
        if line.endswith(b"\n"):
            record = record_of(line)
            if record is None:
                raise RunError(
                    f"{file}:{number}: not a line of metrics, which is a JSON object "
                    "with kind, step and figures: the file is damaged, or was edited "
                    "by hand; remove that line"
                )
            by_kind.setdefault(record["kind"], []).append(record)
    if not any(by_kind[kind] for kind in FIGURES):
        raise RunError(
            f"{file}: holds no record yet; a training writes the first one after 50 "
            "updates, or at its first validation"
        )
    return History(by_kind["train"], by_kind["validation"], by_kind.get("start", []))


def record_of(line: bytes | str) -> Record | None:
    """The record that a line of metrics.jsonl is; None for what is none."""
    try:
        record = json.loads(
            line, parse_constant=_finite, parse_float=_finite, parse_int=_finite_int
        )
        kind, step = record["kind"], record["step"]
        figures = [name for name in FIGURES.get(kind, ()) if name in record]
        if all(_is_figure(record[name]) for name in figures) and _is_count(step):
            return dict(record)
    except (ValueError, TypeError, KeyError, RecursionError):
        pass
    return None


def _finite(number: str) -> float:
    """Python's JSON has NaN and infinities, and what is too large is one."""
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(number)
    return value


def _finite_int(number: str) -> int:
    _finite(number)
    return int(number)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_figure(value: Any) -> bool:
    return value is None or (
        isinstance(value, int | float) and not isinstance(value, bool)
    )
