"""SIGINT, SIGTERM and SIGHUP, which end a program, and a training where it chooses.

Knows nothing of training.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Self, TypeVar

Result = TypeVar("Result")

# SIGHUP: the terminal was closed.
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """A signal ended the training; what there was to save was saved before.

    No Exception, as KeyboardInterrupt is none: nothing mends it on its way.
    """

    def __init__(self, signal_number: int) -> None:
        super().__init__(f"signal {signal_number}")
        self.signal_number = signal_number


@contextmanager
def handled(handler: Any, numbers: Iterable[int] = ENDING) -> Iterator[None]:
    """A block in which signals have this handler, but for those that are ignored."""
    before = {
        number: signal.signal(number, handler)
        for number in numbers
        if signal.getsignal(number) != signal.SIG_IGN  # as nohup has it
    }
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


class Signals:
    """Signals kept until the loop looks, or in some blocks raised at once.

    A second one exits at once, harmlessly: no file of a run is ever half there. But not
    SIGHUP: a terminal that is closed sends several, and nobody hurries anything by it.
    """

    def __init__(self) -> None:
        self.received = 0
        self._at_once = False

    def __enter__(self) -> Self:
        self._before = {
            number: signal.signal(number, self._receive)
            for number in ENDING
            # As nohup has it.
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN
        }
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def check(self) -> None:
        """Raises: Interrupted, if a signal has come."""
        if self.received:
            raise Interrupted(self.received)

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """A block that takes long and changes nothing that could be lost.

        Raises: Interrupted as soon as a signal comes, or if one has come.
        """
        self._at_once = True
        try:
            self.check()
            yield
        except Exception as error:
            # A graph that was being traced has put an error of its own in its place.
            if self.received:
                raise Interrupted(self.received) from error
            raise
        finally:
            self._at_once = False

    def _receive(self, number: int, _: FrameType | None) -> None:
        if self.received:
            if number == signal.SIGHUP:
                return
            # Nothing is lost but what follows the last whole checkpoint: one being
            # written is not yet in its place.
            os._exit(128 + number)
        self.received = number
        if self._at_once:
            raise Interrupted(number)


def apart(work: Callable[[], Result]) -> Result:
    """What `work` returns or raises; signals are dealt with while it runs.

    Python runs their handlers in the main thread, and not before a call of a library
    returns: minutes later, where one learns a vocabulary from much text.
    """
    outcome: list[Any] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(work())
        except BaseException as error:
            errors.append(error)

    # A daemon: a program that was told to end does not wait for it.
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return outcome[0]
