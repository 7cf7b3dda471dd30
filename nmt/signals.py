"""SIGINT and SIGTERM, which end a training at a place of its own choice.

Knows nothing of training.
"""

import os
import signal
from types import FrameType
from typing import Self


class Interrupted(Exception):
    """A signal ended the training; a checkpoint was saved before."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(f"signal {signal_number}")
        self.signal_number = signal_number


class Signals:
    """SIGINT and SIGTERM, kept until the loop looks; a second one exits at once."""

    def __init__(self) -> None:
        self.received = 0

    def __enter__(self) -> Self:
        self._before = {
            number: signal.signal(number, self._receive)
            for number in (signal.SIGINT, signal.SIGTERM)
        }
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _receive(self, number: int, _: FrameType | None) -> None:
        if self.received:
            # Nothing is lost but what follows the last whole checkpoint: one being
            # written is not yet in its place.
            os._exit(128 + number)
        self.received = number
