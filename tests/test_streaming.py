"""`nmt translate` in a pipe: answers at once, and ends quietly however it is ended."""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import ToyRun

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pipes and signals")

# Seconds, on a busy machine: TensorFlow loads; a short sentence is translated.
START_UP, ANSWER = 120, 5

Process = subprocess.Popen[bytes]


@dataclass(frozen=True)
class Waiting:
    """A translation that waits for its first line; `output` is a file that exists."""

    process: Process
    output: Path


@pytest.fixture(scope="module")
def waiting(
    toy_run: ToyRun, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Waiting]]:
    """Three of them, started at once to save time; only "pipe" writes no file."""
    started = {}
    for name in "pipe", "SIGINT", "SIGTERM":
        output = tmp_path_factory.mktemp(name) / "output"
        output.write_text("what was there")
        options = [] if name == "pipe" else ["--output", output]
        process = subprocess.Popen(
            [sys.executable, "-m", "nmt", "translate", "--ckpt", toy_run.path]
            + [*options, "greedy"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            # What runs in the background of a script is started deaf to it.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        started[name] = Waiting(process, output)
    yield started
    for one in started.values():
        with one.process:
            one.process.kill()


def ask(process: Process, lines: str, seconds: float) -> list[str]:
    """What comes back for the lines before the time is up: as many, if all is well."""
    assert process.stdin and process.stdout
    process.stdin.write(lines.encode())
    output = select.poll()
    output.register(process.stdout, select.POLLIN)
    heard, end = b"", time.monotonic() + seconds
    while heard.count(b"\n") < lines.count("\n"):
        left = max(0.0, end - time.monotonic())
        if not output.poll(left * 1000):
            break
        heard += os.read(process.stdout.fileno(), 1 << 16)
    return heard.decode().splitlines()


def test_a_line_is_answered_while_the_input_pauses(
    waiting: dict[str, Waiting],
) -> None:
    process = waiting["pipe"].process
    assert ask(process, "ba ce\n", START_UP) == ["ce ba"]
    assert ask(process, "di fo gu\n", ANSWER) == ["gu fo di"]
    assert ask(process, "\nba ce\n", ANSWER) == ["", "ce ba"]


def test_a_reader_that_leaves_ends_it_quietly(waiting: dict[str, Waiting]) -> None:
    process = waiting["pipe"].process
    assert process.stdin and process.stdout and process.stderr
    process.stdout.close()
    process.stdin.write(b"ba ce\n")
    assert process.wait(START_UP) == 128 + signal.SIGPIPE
    assert process.stderr.read() == b""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_ends_it_quietly_and_leaves_no_part_of_the_output(
    waiting: dict[str, Waiting], name: str
) -> None:
    process, output = waiting[name].process, waiting[name].output
    end = time.monotonic() + START_UP
    while len(os.listdir(output.parent)) == 1 and time.monotonic() < end:
        time.sleep(0.02)  # until the new output has been begun
    number = signal.Signals[name]
    process.send_signal(number)
    assert process.wait(START_UP) == 128 + number
    assert process.stdout and process.stdout.read() == b""
    assert process.stderr and process.stderr.read() == b""
    assert os.listdir(output.parent) == ["output"]
    assert output.read_text() == "what was there"
