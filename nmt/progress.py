"""What a training run says: metrics.jsonl, train.log, the terminal and the bar.

Knows nothing of models; it writes what it is told.
"""

import json
import logging
import math
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

logger = logging.getLogger("nmt")


class Progress:
    """The open outputs of a run; messages go to the terminal and to train.log."""

    def __init__(self, metrics: Path, log: Path, *, last_step: int) -> None:
        """Metrics of updates after `last_step` are dropped: they will be made again."""
        _drop_after(metrics, last_step)
        self._metrics = metrics.open("a")
        self._handlers: list[logging.Handler] = [
            logging.StreamHandler(sys.stderr),
            logging.FileHandler(log, encoding="utf-8"),
        ]
        # What the bar shows is noted in the log, and where there is no bar.
        self._handlers[0].setLevel(
            logging.INFO if sys.stderr.isatty() else logging.DEBUG
        )
        self._handlers[1].setFormatter(
            logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%d %H:%M:%S")
        )
        self._redirect = logging_redirect_tqdm([logger])
        self._bar: tqdm[Any] | None = None

    def __enter__(self) -> Self:
        logger.setLevel(logging.DEBUG)
        logger.propagate = False
        for handler in self._handlers:
            logger.addHandler(handler)
        if sys.stderr.isatty():
            self._redirect.__enter__()
            # tqdm's handler stands in for ours now, but shows every level.
            logger.handlers[-1].setLevel(self._handlers[0].level)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end_epoch()
        if sys.stderr.isatty():
            self._redirect.__exit__(kind, error, trace)
        for handler in self._handlers:
            logger.removeHandler(handler)
            handler.close()
        self._metrics.close()

    def say(self, message: str) -> None:
        """One line for people."""
        logger.info(message)

    def note(self, message: str) -> None:
        """One line for people who do not see the bar: for train.log, say."""
        logger.debug(message)

    def record(self, kind: str, **values: Any) -> None:
        """One line for programs; flushed, so that who watches sees it."""
        for name, value in values.items():
            if isinstance(value, float) and not math.isfinite(value):
                values[name] = None  # JSON has no other word for it
        self._metrics.write(json.dumps({"kind": kind, **values}) + "\n")
        self._metrics.flush()

    def begin_epoch(self, epoch: int, batches: int, done: int) -> None:
        """Starts the bar of an epoch (from 1), of which some batches may be done."""
        self._bar = tqdm(
            total=batches,
            initial=done,
            desc=f"epoch {epoch}",
            unit="batch",
            leave=False,
            dynamic_ncols=True,
            disable=None,  # none where stderr is not a terminal
        )

    def advance(self, batches: int) -> None:
        if self._bar is not None:
            self._bar.update(batches)

    def show(self, **values: str) -> None:
        """What stands right of the bar."""
        if self._bar is not None:
            self._bar.set_postfix(values, refresh=False)

    def end_epoch(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def _drop_after(metrics: Path, last_step: int) -> None:
    """Removes what was recorded of updates that no checkpoint holds, if anything."""
    if not metrics.exists():
        return
    text = metrics.read_text(encoding="utf-8", errors="replace")
    lines = text.splitlines(keepends=True)
    kept = [line for line in lines if _step(line) <= last_step]
    if kept != lines:
        aside = metrics.with_suffix(".unfinished")
        aside.write_text("".join(kept))
        aside.replace(metrics)


def _step(line: str) -> float:
    """The step of a record; of a line cut short by a crash, later than any."""
    try:
        return int(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return float("inf")
