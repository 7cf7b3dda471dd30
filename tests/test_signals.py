"""Signals are kept, or raised in blocks that lose nothing; long work stops none."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from nmt.signals import ENDING, Interrupted, Signals, apart


@pytest.mark.parametrize("number", ENDING)
def test_a_signal_is_kept_until_somebody_looks(number: int) -> None:
    before = [signal.getsignal(each) for each in ENDING]
    with Signals() as signals:
        signals.check()
        signal.raise_signal(number)
        with pytest.raises(Interrupted) as interruption:
            signals.check()
        assert interruption.value.signal_number == number
        with pytest.raises(Interrupted), signals.at_once():
            pytest.fail("the block was entered")
    assert [signal.getsignal(each) for each in ENDING] == before


def test_in_a_block_that_loses_nothing_a_signal_is_raised_past_any_handler() -> None:
    with Signals() as signals, pytest.raises(Interrupted), signals.at_once():
        try:
            signal.raise_signal(signal.SIGTERM)
        except Exception:
            pytest.fail("an interruption is no error to mend")


def test_what_breaks_at_an_interruption_is_told_as_one() -> None:
    # As TensorFlow's stack of graphs does, where one is being traced.
    with Signals() as signals, pytest.raises(Interrupted), signals.at_once():
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            raise AssertionError("Nesting violated")
    with Signals() as signals, pytest.raises(AssertionError), signals.at_once():
        raise AssertionError("without a signal")


@pytest.mark.parametrize("second", ENDING)
@pytest.mark.parametrize("first", ENDING)
def test_a_second_signal_ends_at_once_unless_a_terminal_is_closed(
    first: int, second: int
) -> None:
    program = f"""
import signal
from nmt.signals import Signals
with Signals() as signals:
    signal.raise_signal({first})
    signal.raise_signal({second})
    raise SystemExit(signals.received)
"""
    process = subprocess.run([sys.executable, "-c", program], check=False)
    closed = second == signal.SIGHUP
    assert process.returncode == (first if closed else 128 + second)


def test_a_hangup_that_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Signals() as signals:
            signal.raise_signal(signal.SIGHUP)
            assert not signals.received
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_signal_interrupts_work_that_is_done_apart() -> None:
    interrupted = threading.Event()

    def work() -> bool:
        os.kill(os.getpid(), signal.SIGTERM)
        return interrupted.wait(60)  # not before the main thread has gone on

    with Signals() as signals, pytest.raises(Interrupted), signals.at_once():
        apart(work)
    interrupted.set()


def test_work_done_apart_returns_and_raises_as_if_it_were_not() -> None:
    assert apart(lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        apart(lambda: 1 // 0)
