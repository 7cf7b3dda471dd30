"""What happened between two lines of metrics, and how long the rest takes.

Knows nothing of files: it only counts.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from nmt.batches import Batch
from nmt.update import Report


@dataclass
class Interval:
    """What happened since the last line of metrics."""

    started: float = field(default_factory=time.perf_counter)
    waited: float = 0.0  # seconds spent on waiting for batches
    paused: float = 0.0  # seconds spent on other things than training
    source_tokens: int = 0
    target_positions: int = 0  # padding counted
    reports: list[Report] = field(default_factory=list)

    def add(self, batches: Sequence[Batch], report: Report) -> None:
        """Counts an update: the batches that it was made of, and what it reported."""
        for batch in batches:
            self.source_tokens += int(np.count_nonzero(batch.source))
            self.target_positions += int(np.size(batch.target_out))
        self.reports.append(report)

    def summary(self) -> dict[str, float]:
        """The figures of metrics.jsonl, by their names there."""
        tokens = np.array([float(report.tokens) for report in self.reports])
        losses = np.array([float(report.loss) for report in self.reports])
        # What is not finite was skipped, and told; the others' mean says how it goes.
        finite = np.isfinite(losses)
        counted = tokens[finite].sum()
        seconds = self._seconds()
        return {
            "loss": float(losses[finite] @ tokens[finite] / counted)
            if counted
            else math.nan,
            "gradient_norm": float(self.reports[-1].gradient_norm),
            "source_tokens_per_second": self.source_tokens / seconds,
            "target_tokens_per_second": float(tokens.sum()) / seconds,
            "data_wait": self.waited / seconds,
            "padding": 1.0 - float(tokens.sum()) / self.target_positions,
            "seconds": seconds,
        }

    def dump(self) -> dict[str, Any]:
        """All of it for a checkpoint, so that the next start goes on with it."""
        return {
            "seconds": self._seconds(),
            "waited": self.waited,
            "source_tokens": self.source_tokens,
            "target_positions": self.target_positions,
            # float32 as float: no digit is lost in JSON.
            "reports": [[*map(float, report)] for report in self.reports],
        }

    @classmethod
    def load(cls, dumped: dict[str, Any]) -> Self:
        """What `dump` gave; of nothing, an interval that begins now."""
        if not dumped:
            return cls()
        return cls(
            time.perf_counter() - dumped["seconds"],
            dumped["waited"],
            0.0,
            dumped["source_tokens"],
            dumped["target_positions"],
            [
                Report(
                    np.float32(loss),
                    np.float32(tokens),
                    np.float32(norm),
                    bool(applied),
                    bool(overflowed),
                )
                for loss, tokens, norm, applied, overflowed in dumped["reports"]
            ],
        )

    def _seconds(self) -> float:
        return time.perf_counter() - self.started - self.paused


class Pace:
    """How fast updates come, all that is between them included."""

    def __init__(self) -> None:
        self._first: tuple[float, int] | None = None

    def seconds_left(self, step: int, last_step: int) -> float | None:
        """Until the update `last_step`; None the first time, when it begins to count.

        So what TensorFlow does once, at its first updates, is not counted.
        """
        now = time.perf_counter()
        if self._first is None or step <= self._first[1]:
            self._first = now, step
            return None
        then, first = self._first
        return (now - then) / (step - first) * (last_step - step)
