"""Looks at how updates went: names the batches whose loss or gradient is not right.

Knows nothing of what is done about it.
"""

from dataclasses import dataclass

import numpy as np

from nmt.batches import Plan
from nmt.checkpoint import State
from nmt.config import Config
from nmt.corpus import ParallelCorpus
from nmt.divergence import MOST_SKIPPED, RecentLoss, skipped_in_a_row
from nmt.progress import Progress
from nmt.update import Report

SHOWN_LINES = 10  # of a batch in the log; metrics.jsonl has all


@dataclass(frozen=True)
class Done:
    """An update that nobody has looked at yet."""

    before: State
    batches: int
    report: Report


class Watch:
    """The updates since the last look."""

    def __init__(
        self, config: Config, corpus: ParallelCorpus, progress: Progress
    ) -> None:
        self.sources = [str(pair.source) for pair in config.data.train]
        self.corpus = corpus
        self.progress = progress
        self.losses = RecentLoss()
        self.unseen: list[Done] = []

    def add(self, before: State, batches: int, report: Report) -> None:
        self.unseen.append(Done(before, batches, report))

    def look(self, plan: Plan, skipped: int) -> int:
        """How many updates in a row were skipped: MOST_SKIPPED or more, if ever.

        Otherwise those up to the last one. `plan` is the epoch's that they are of,
        `skipped` what the look before found.
        """
        applied = []
        for done in self.unseen:
            if done.report.overflowed:  # which a smaller loss scale mends
                self.progress.note(
                    f"step {done.before.step + 1} overflowed float16 and was skipped; "
                    "the loss scale is half of what it was"
                )
                continue
            applied.append(bool(done.report.applied))
            if not applied[-1]:
                self._tell_skipped(done, plan)
            elif factor := self.losses.add(float(done.report.loss)):
                self.progress.warn(
                    f"step {done.before.step + 1}: its loss, "
                    f"{float(done.report.loss):.3f}, is {factor:.1f} times the average "
                    f"of late; its batch: {self._spoken(self._lines(done, plan))}"
                )
        self.unseen = []
        last, most = skipped_in_a_row(applied, skipped)
        return most if most >= MOST_SKIPPED else last

    def _tell_skipped(self, done: Done, plan: Plan) -> None:
        step, lines = done.before.step + 1, self._lines(done, plan)
        self.progress.record(
            "skipped",
            step=step,
            epoch=done.before.epoch + 1,
            loss=float(done.report.loss),
            gradient_norm=float(done.report.gradient_norm),
            lines=lines,
        )
        self.progress.warn(
            f"step {step} was skipped: its loss or gradient was not finite; its batch: "
            + self._spoken(lines)
        )

    def _lines(self, done: Done, plan: Plan) -> dict[str, list[int]]:
        """The line numbers of the pairs of an update, by source file."""
        first = done.before.batch
        indices = np.concatenate(plan[first : first + done.batches])
        lines: dict[str, list[int]] = {}
        for file, numbers in self.corpus.places(indices).items():
            # One source file may have several targets.
            lines.setdefault(self.sources[file], []).extend(numbers)
        return lines

    def _spoken(self, lines: dict[str, list[int]]) -> str:
        return "; ".join(
            f"{file}, lines {', '.join(map(str, numbers[:SHOWN_LINES]))}"
            + (f" and {rest} more" if (rest := len(numbers) - SHOWN_LINES) > 0 else "")
            for file, numbers in lines.items()
        )
