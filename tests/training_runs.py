"""What tests of training ask of a run directory, and what they do to its updates."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner, Result

from nmt import cli, starting
from nmt.batches import Batch
from nmt.config import load_config
from nmt.update import Report, Updater

# Figures of metrics.jsonl that depend on the clock.
TIMING = {
    "seconds",
    "data_wait",
    "source_tokens_per_second",
    "target_tokens_per_second",
}


# The model that is traced soonest, where a test does not ask what is in it.
PLAIN_MODEL = ("model.decoder_cell=gru", "model.layer_norm=false")

RATE = 0.01  # of training whose updates go wrong

# The command line, but each update is looked at and logged, and takes a while if told
# so; pictures, a third of a short run's time, are drawn if asked for.
_TRAIN = """
import sys, time
from nmt import cli, hardware
hardware.prepare()
from nmt import training, update, validation
training.LOG_EVERY = training.LOOK_EVERY = training.AGREE_EVERY = 1
real = update.Updater.update
def slow(*arguments):
    time.sleep(float(sys.argv[1]))
    return real(*arguments)
update.Updater.update = slow
if sys.argv[2] == "no pictures":
    validation.Validation.draw_examples = lambda *_: []
cli.main(["train", *sys.argv[3:]])
"""

# The fixture `no_work`, which is given what validations are to find.
Script = Callable[[Sequence[float]], None]


def train(config: Path, *overrides: str, restart: bool = False) -> None:
    starting.train(load_config(config, overrides), restart=restart)


def start_training(
    config: Path,
    *overrides: str,
    seconds: float = 0,
    drawn: str = "no pictures",
    **environment: str,
) -> subprocess.Popen[str]:
    """A process that trains; its updates take `seconds` more than they do."""
    arguments = [f"--set={override}" for override in overrides]
    return subprocess.Popen(
        [sys.executable, "-c", _TRAIN, str(seconds), drawn, config, *arguments],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


def nmt_train(config: Path, *arguments: str) -> Result:
    """The same by the command line, and how it ended."""
    return CliRunner().invoke(cli.main, ["train", str(config), *arguments])


def records(run_dir: Path, kind: str) -> list[dict[str, Any]]:
    lines = (run_dir / "metrics.jsonl").read_text().splitlines()
    return [record for line in lines if (record := json.loads(line))["kind"] == kind]


def without_timing(run_dir: Path) -> list[dict[str, Any]]:
    return [
        {key: value for key, value in record.items() if key not in TIMING}
        for kind in ("train", "validation")
        for record in records(run_dir, kind)
    ]


def checkpoints(run_dir: Path) -> dict[str, str]:
    """What the checkpoints hold, to the bit: their manifests and pointers, by name."""
    folder = run_dir / "checkpoints"
    return {
        path.name: (path / "manifest.json" if path.is_dir() else path).read_text()
        for path in folder.iterdir()
    }


def call_before_update(
    monkeypatch: pytest.MonkeyPatch, hook: Callable[[int], object]
) -> None:
    update = Updater.update

    def hooked(
        self: Updater, batches: Sequence[Batch], step: int, rate: float
    ) -> Report:
        hook(step)
        return update(self, batches, step, rate)

    monkeypatch.setattr(Updater, "update", hooked)


class Died(BaseException):
    """The process ended there, as by SIGKILL: nothing is saved."""


def die(*_: Any, **__: Any) -> None:
    """In place of what the process does not come to do."""
    raise Died


def die_in_update(monkeypatch: pytest.MonkeyPatch, *steps: int) -> None:
    """Training ends without a word, once in each of these updates."""
    to_come = set(steps)

    def hook(step: int) -> None:
        if step in to_come:
            to_come.remove(step)
            die()

    call_before_update(monkeypatch, hook)


def raise_signal_in_update(
    monkeypatch: pytest.MonkeyPatch, number: int, *steps: int
) -> None:
    """The process gets the signal once in the update of each step."""
    to_come = set(steps)

    def hook(step: int) -> None:
        if step in to_come:
            to_come.remove(step)
            signal.raise_signal(number)

    call_before_update(monkeypatch, hook)


def poison_gradients(
    monkeypatch: pytest.MonkeyPatch, first: int, last: int, *, at_any_rate: bool = False
) -> None:
    """No finite gradient from the first step to the last, with the rate as it was."""
    real = Updater._apply

    def damaged(
        self: Updater, gradients: Any, plain: Any, tokens: Any, step: Any, rate: Any
    ) -> Any:
        hit = (step >= first) & (step <= last) & (at_any_rate | (rate > 0.75 * RATE))
        factor = tf.where(hit, np.nan, 1.0)
        gradients = [factor * gradient for gradient in gradients]
        return real(self, gradients, plain, tokens, step, rate)

    monkeypatch.setattr(Updater, "_apply", damaged)
