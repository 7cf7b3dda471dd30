"""Standard error as a person sees it: lines, and below them a bar at a terminal.

Knows nothing of files, nor of what is said.
"""

import logging
import os
import sys
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from textwrap import TextWrapper
from typing import Any

from tqdm import tqdm


class Verbosity(Enum):
    """What of a training is shown; train.log has it all."""

    QUIET = "quiet"  # warnings, and the last line
    NORMAL = "normal"  # and what happens; updates by the bar, where there is one
    VERBOSE = "verbose"  # and updates by lines at a terminal as well


# A line of this attribute may be cut to the width of the terminal.
MAY_BE_CUT = "may_be_cut"
USUAL_COLUMNS = 80  # where the terminal does not say
NO_WIDTH = ("Mn", "Me", "Cf")  # marks and joiners: they stand on other characters


class TerminalHandler(logging.Handler):
    """Writes messages above the bar, if there is one.

    The terminal may have been closed: train.log has all that it had.
    """

    def __init__(self, verbosity: Verbosity) -> None:
        updates = verbosity is Verbosity.VERBOSE or not sys.stderr.isatty()
        if verbosity is Verbosity.QUIET:
            super().__init__(logging.WARNING)
        else:
            super().__init__(logging.DEBUG if updates else logging.INFO)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = self.format(record)
            if sys.stderr.isatty():
                fit = cut if getattr(record, MAY_BE_CUT, False) else _wrapped
                message = fit(message, _columns())
            tqdm.write(message, file=sys.stderr)
        except Exception:
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:
        pass


class Bar:
    """How far an epoch is: `NAME  45%|####      | TEXT`; nothing but at a terminal."""

    def __init__(self, verbosity: Verbosity) -> None:
        self._hidden = verbosity is Verbosity.QUIET or not sys.stderr.isatty()
        self._tqdm: tqdm[Any] | None = None

    def begin(self, name: str, total: int, done: int) -> None:
        """Shows the bar: `done` of `total` is done."""
        self._name = name
        if not self._hidden:
            self._tqdm = _line(total=total, initial=done, bar_format=self._format(""))

    def advance(self, number: int) -> None:
        if self._tqdm is not None:
            self._tqdm.update(number)

    def show(self, text: str) -> None:
        """What stands right of the bar; `{n}` and the like are tqdm's numbers."""
        if self._tqdm is not None:
            self._tqdm.bar_format = self._format(text)

    @contextmanager
    def instead(self, text: str) -> Iterator[None]:
        """Shows what is being done, where it is no part of an epoch's way."""
        if self._hidden:
            yield
        elif self._tqdm is None:
            with _line(desc=text, bar_format="{desc} ..."):
                yield
        else:
            before, self._tqdm.bar_format = self._tqdm.bar_format, self._format(text)
            self._tqdm.refresh()
            try:
                yield
            finally:
                self._tqdm.bar_format = before

    def end(self) -> None:
        if self._tqdm is not None:
            self._tqdm.close()
            self._tqdm = None

    def _format(self, text: str) -> str:
        return f"{self._name} {{percentage:3.0f}}%|{{bar}}| {text}"


@contextmanager
def bar_of_lines(name: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar while lines of text are worked on; what it gives is told of lines done."""
    bar = Bar(Verbosity.NORMAL)
    bar.begin(name, total, 0)
    # The text may be longer by now; tqdm then has no total.
    bar.show(f"{{n:,}} of {total:,} lines, {{remaining}} left")
    try:
        yield bar.advance
    finally:
        bar.end()


def _columns() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or USUAL_COLUMNS
    except OSError:
        return USUAL_COLUMNS


def _wrapped(message: str, columns: int) -> str:
    """Its lines, broken between words."""
    wrap = TextWrapper(
        columns,
        subsequent_indent="  ",
        break_long_words=False,  # paths can be copied
        break_on_hyphens=False,
    )
    return "\n".join(wrap.fill(line) for line in message.split("\n"))


def _line(**content: Any) -> "tqdm[Any]":
    return tqdm(**content, leave=False, dynamic_ncols=True, file=sys.stderr)


def cut(line: str, columns: int) -> str:
    """As much of a line as a terminal shows in so many columns, an ellipsis for more.

    East Asian characters and emoji take two columns each.
    """
    total = kept = 0
    for place, character in enumerate(line):
        if unicodedata.category(character) not in NO_WIDTH:
            total += 2 if unicodedata.east_asian_width(character) in "FW" else 1
        if total < columns:  # the ellipsis still fits behind it
            kept = place + 1
    return line if total <= columns else line[:kept] + "\N{HORIZONTAL ELLIPSIS}"
