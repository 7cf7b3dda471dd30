"""What a training run says: metrics.jsonl, train.log, events/ and the terminal.

Knows nothing of models; it writes what it is told.
"""

import contextlib
import json
import logging
import math
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from nmt.checkpoint import write_synced, writing
from nmt.errors import NmtError, RunError
from nmt.events import Events
from nmt.files import sync
from nmt.history import FIGURES, Record, record_of
from nmt.terminal import MAY_BE_CUT, Bar, TerminalHandler, Verbosity

logger = logging.getLogger("nmt")


class Progress:
    """The open outputs of a run; messages go to the terminal and to train.log."""

    def __init__(
        self,
        metrics: Path,
        log: Path,
        *,
        last_step: int,
        last_steps: Mapping[str, int] | None = None,
        events: Path | None = None,
        verbosity: Verbosity = Verbosity.NORMAL,
    ) -> None:
        """Drops the metrics that will be made again, as `drop_after` does.

        Raises: RunError where a file cannot be written.
        """
        self._path = metrics
        first, later, _ = self._drop_lines(last_step, last_steps or {})
        self._going_on = first, later
        with writing(log):
            self._handlers: list[logging.Handler] = [
                TerminalHandler(verbosity),
                _Log(log),
            ]
        self._handlers[1].setFormatter(
            logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%d %H:%M:%S")
        )
        self._bar = Bar(verbosity)
        self._events_directory = events
        self.events: Events | None = None

    def __enter__(self) -> Self:
        logger.setLevel(logging.DEBUG)
        logger.propagate = False
        for handler in self._handlers:
            logger.addHandler(handler)
        if self._events_directory is not None:
            last_step, later = self._going_on
            self.events = Events(self._events_directory, last_step, self.warn)
            for record in later:
                self._draw(record)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end_epoch()
        if self.events is not None:
            self.events.close()
        if isinstance(error, Exception):
            self._log_end(error)
        for handler in self._handlers:
            logger.removeHandler(handler)
            # What could not be written has been told.
            with contextlib.suppress(OSError):
                handler.close()

    def _log_end(self, error: Exception) -> None:
        """What ends the run, in train.log; a terminal has it from the command line."""
        trace = None if isinstance(error, NmtError) else error.__traceback__
        told = trace and (type(error), error, trace)
        place = logger.name, logging.ERROR, "", 0
        record = logger.makeRecord(*place, "failed: %s", (error,), told)
        with contextlib.suppress(RunError):  # this may be what ends it
            self._handlers[-1].handle(record)

    def say(self, message: str) -> None:
        """One line for people."""
        logger.info(message)

    def say_shortly(self, lines: Sequence[str]) -> None:
        """Lines of which a terminal shows as much as fits its width."""
        for line in lines:
            logger.info(line, extra={MAY_BE_CUT: True})

    def note(self, message: str) -> None:
        """One line for people who do not see the bar: for train.log, say."""
        logger.debug(message)

    def warn(self, message: str) -> None:
        """One line that nobody should miss."""
        logger.warning(message)

    def conclude(self, message: str) -> None:
        """The last line, which a quiet run has as well."""
        logger.warning(message)

    def record(self, kind: str, **values: Any) -> None:
        """One line for programs; flushed, so that who watches sees it."""
        for name, value in values.items():
            if isinstance(value, float) and not math.isfinite(value):
                values[name] = None  # JSON has no other word for it
        with writing(self._path), self._path.open("a") as metrics:
            metrics.write(json.dumps({"kind": kind, **values}) + "\n")
        self._draw({"kind": kind, **values})

    def drop_after(self, last_step: int, last_steps: Mapping[str, int]) -> list[Record]:
        """Removes the lines of later updates, and returns them.

        `last_steps` is by kind of line; a start was one, whatever came of it.
        Raises: RunError where the file cannot be written.
        """
        first, later, dropped = self._drop_lines(last_step, last_steps)
        if self.events is not None:
            self.events.drop_after(first)
            for record in later:
                self._draw(record)
        return dropped

    def _drop_lines(
        self, last_step: int, last_steps: Mapping[str, int]
    ) -> tuple[int, list[Record], list[Record]]:
        """The first of the last steps, the records kept of later ones, the others.

        TensorBoard drops all kinds after the same step: those kept are drawn anew.
        """
        first = min([last_step, *last_steps.values()])
        later: list[Record] = []
        dropped: list[Record] = []
        if self._path.exists():
            with writing(self._path):
                text = self._path.read_text(encoding="utf-8", errors="replace")
                lines = text.splitlines(keepends=True)
                kept = []
                for line in lines:
                    record = record_of(line)
                    if record is None or not line.endswith("\n"):
                        continue  # cut short by a crash
                    kind, step = record["kind"], record["step"]
                    if kind != "start" and step > last_steps.get(kind, last_step):
                        dropped.append(record)
                        continue
                    kept.append(line)
                    if step > first:
                        later.append(record)
                if kept != lines:
                    write_synced(self._path, "".join(kept))
        return first, later, dropped

    def _draw(self, record: Record) -> None:
        """The record's figures, for TensorBoard."""
        kind, names = record["kind"], FIGURES.get(record["kind"], ())
        figures = {
            f"{kind}/{name}": math.nan if record[name] is None else record[name]
            for name in names
            if name in record
        }
        if figures and self.events is not None:
            self.events.scalars(record["step"], figures)

    def sync(self) -> None:
        """Waits until the metrics are on the disk, whatever happens to the machine."""
        if self._path.exists():
            with writing(self._path):
                sync(self._path)

    def begin_epoch(self, name: str, batches: int, done: int) -> None:
        """Starts the bar of an epoch, of which some batches may be done."""
        self._bar.begin(name, batches, done)

    def advance(self, batches: int) -> None:
        self._bar.advance(batches)

    def show(self, text: str) -> None:
        """What stands right of the bar."""
        self._bar.show(text)

    def busy(self, text: str) -> AbstractContextManager[None]:
        """Says so on a terminal while something else than training is done."""
        return self._bar.instead(text)

    def end_epoch(self) -> None:
        self._bar.end()


class NoProgress(Progress):
    """Where another worker speaks and writes: no file is opened, nothing is shown."""

    def __init__(self) -> None:
        self._handlers = [logging.NullHandler()]
        self._bar = Bar(Verbosity.QUIET)
        self._events_directory = self.events = None

    def record(self, kind: str, **values: Any) -> None:
        """Leaves it to the chief."""

    def drop_after(self, last_step: int, last_steps: Mapping[str, int]) -> list[Record]:
        """Leaves it to the chief."""
        return []

    def sync(self) -> None:
        """Leaves it to the chief."""


class _Log(logging.FileHandler):
    """train.log; where it cannot be written, the run says so rather than go on."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, encoding="utf-8")

    def handleError(self, record: logging.LogRecord) -> None:
        error = sys.exception()
        if isinstance(error, OSError):
            with writing(Path(self.baseFilename)):
                raise error
        super().handleError(record)
