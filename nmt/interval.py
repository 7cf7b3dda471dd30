"""What happened between two lines of metrics.

Knows nothing of files: it only counts.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

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
        for batch in batches:
            self.source_tokens += int(np.count_nonzero(batch.source))
            self.target_positions += int(np.size(batch.target_out))
        self.reports.append(report)

    def summary(self) -> dict[str, float]:
        """The figures of metrics.jsonl, by their names there."""
        tokens = np.array([float(report.tokens) for report in self.reports])
        losses = np.array([float(report.loss) for report in self.reports])
        seconds = time.perf_counter() - self.started - self.paused
        return {
            "loss": float(np.dot(losses, tokens) / tokens.sum()),
            "gradient_norm": float(self.reports[-1].gradient_norm),
            "source_tokens_per_second": self.source_tokens / seconds,
            "target_tokens_per_second": float(tokens.sum()) / seconds,
            "data_wait": self.waited / seconds,
            "padding": 1.0 - float(tokens.sum()) / self.target_positions,
            "seconds": seconds,
        }
