"""TensorFlow as the program itself loads it, and a toy task with a run that learned it.

The task: say the words of a twelve-word language in reverse order.
"""

import functools
import gc
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest
from command_line import Shouting

from nmt import hardware

# Before any test imports TensorFlow.
hardware.prepare()

# Started under nohup, a process ignores hangups, and in the background of a script
# interrupts, as do those that it starts; some tests send them.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)

# Graphs are millions of Python's objects: to look through them for cycles as often as
# Python does takes a fifth of the time.
gc.freeze()
gc.set_threshold(50_000, 20, 20)

# How long an example takes says how busy the machine is, and nothing else.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

needs_full_disk = pytest.mark.skipif(
    not Path("/dev/full").exists(), reason="Linux has a device that is always full"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--messages", help="Write test_bad_inputs' messages to this file.")


WORDS = "ba ce di fo gu ha je ki lo mu ne po".split()


@dataclass(frozen=True)
class Toy:
    """The toy task's text: `NAME.source` and `NAME.target` in a directory."""

    directory: Path

    def config(self, run_dir: Path, training_text: str = "few") -> Path:
        """A configuration file beside `run_dir`: tiny, but with nothing left out."""
        path = run_dir.with_name(f"{run_dir.name}.yaml")
        path.write_text(f"""
run_dir: {run_dir}
data:
  train:
    source: {self.directory}/{training_text}.source
    target: {self.directory}/{training_text}.target
  validation:
    source: {self.directory}/validation.source
    target: {self.directory}/validation.target
tokenizer: {{vocab_size: 300, sampling: 0.1}}
model: {{embedding_size: 8, encoder_size: 6, decoder_size: 8}}
training: {{batch_size: 7, epochs: 3, keep: 1, schedule: plateau, warmup_steps: 0}}
""")
        return path

    def lines(self, name: str) -> list[str]:
        return (self.directory / name).read_text().splitlines()


@dataclass(frozen=True)
class ToyRun:
    """A run directory that `nmt train` made, and what it said on standard error."""

    path: Path
    stderr: str


@pytest.fixture(scope="session")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    directory = tmp_path_factory.mktemp("toy")
    choice = random.Random(1)
    for name, pairs in ("few", 60), ("many", 1500), ("validation", 40):
        sentences = [
            choice.choices(WORDS, k=choice.randint(2, 6)) for _ in range(pairs)
        ]
        for side, step in ("source", 1), ("target", -1):
            text = "".join(" ".join(words[::step]) + "\n" for words in sentences)
            (directory / f"{name}.{side}").write_text(text)
    return Toy(directory)


@pytest.fixture(scope="session")
def toy_run(toy: Toy, tmp_path_factory: pytest.TempPathFactory) -> ToyRun:
    """A run that has learned the task, trained as a user trains.

    Of several processes that run tests, one trains it for all.
    """
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    path = shared / "shared" / "toy"
    said = path.with_name("said")
    try:
        path.parent.mkdir()
    except FileExistsError:
        while not said.exists():
            time.sleep(0.1)
            assert not path.with_name("failed").exists(), "another process says why"
        return ToyRun(path, said.read_text())
    try:
        stderr = train_toy(toy.config(path, "many"))
    except BaseException:
        path.with_name("failed").touch()
        raise
    said.with_suffix(".new").write_text(stderr)
    said.with_suffix(".new").rename(said)
    return ToyRun(path, stderr)


def train_toy(config: Path) -> str:
    """What training said on standard error."""
    nothing = "{source: 0.0, target: 0.0, context: 0.0, state: 0.0, output: 0.0, "
    settings = {
        "tokenizer.sampling": 0.0,
        "model.embedding_size": 24,
        "model.encoder_size": 24,
        "model.decoder_size": 48,
        "model.dropout": nothing + "source_word: 0.0, target_word: 0.0}",
        "training.batch_size": 64,
        "training.epochs": 16,
        "training.learning_rate": 0.01,
        "training.label_smoothing": 0.0,
        "training.average_decay": 0.9,
        "training.validate_every": 100,
    }
    overrides = [f"--set={key}={value}" for key, value in settings.items()]
    process = subprocess.run(
        [sys.executable, "-m", "nmt", "train", config, *overrides],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (process.returncode, process.stdout) == (0, ""), process.stderr
    return process.stderr


@pytest.fixture(scope="session")
def toy_translator(toy_run: ToyRun) -> Any:
    """Of the toy run. Its graphs are made once for all tests of a process."""
    from nmt.translator import Translator

    return Translator.open(toy_run.path)


@pytest.fixture
def opened_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What commands of one test open is the same to all of them, with its graphs."""
    from nmt.translator import Translator

    monkeypatch.setattr(Translator, "open", functools.cache(Translator.open))


@pytest.fixture
def no_tensorflow(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("prepare", "prepare_to_translate"):
        monkeypatch.setattr(hardware, name, lambda: None)
    monkeypatch.setattr(hardware, "gpu_troubles", lambda: [])


@pytest.fixture
def shouting(monkeypatch: pytest.MonkeyPatch, no_tensorflow: None) -> Shouting:
    from nmt.search_settings import Beam
    from nmt.translator import Translator

    translator = Shouting(Beam(beam_size=3))

    def open(*paths: Path) -> Shouting:
        translator.opened = paths
        return translator

    monkeypatch.setattr(Translator, "open", open)
    return translator


@pytest.fixture(scope="session")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run directory as training leaves it, with random weights."""
    from nmt.config import dump_config, parse_config
    from nmt.model import TranslationModel
    from nmt.run import AVERAGE, WEIGHTS, RunDirectory, State
    from nmt.tokenizer import train_tokenizers

    directory = tmp_path_factory.mktemp("untrained")
    text = directory / "text"
    text.write_text("a dog runs in the park .\ntwo cats sleep on a red mat .\n" * 9)
    path = directory / "run"
    pair = f"{{source: {text}, target: {text}}}"
    config = parse_config(
        f"run_dir: {path}\n"
        "data: {source_language: en, target_language: de,"
        f" train: {pair}, validation: {pair}}}\n"
        "tokenizer: {type: char, vocab_size: 300}\n"
        "model: {embedding_size: 4, encoder_size: 3, decoder_size: 5}\n"
        "decoding: {method: greedy}\n",
        "config",
    )
    tokenizers = train_tokenizers(config.tokenizer, config.data.train)
    vocabulary = tokenizers.source.vocab_size
    model = TranslationModel(config.model, vocabulary, vocabulary, seed=1)
    run = RunDirectory(path)
    run.write_config(config)
    assert run.config.read_text() == dump_config(config)
    tokenizers.save(run.tokenizer)
    weights = model.parameters.values()
    run.save(State(step=7, epoch=2), {WEIGHTS: weights, AVERAGE: weights}, best=True)
    run.metrics.write_text(
        '{"kind": "validation", "step": 6, "bleu": 1.0}\n'
        '{"kind": "train", "step": 7, "loss": 5.0}\n'
        '{"kind": "validation", "step": 7, "bleu": 12.3456, "chrf": 34.5}\n'
        '{"kind": "validati'
    )
    return path


@pytest.fixture
def every_update_is_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    from nmt import training

    monkeypatch.setattr(training, "LOG_EVERY", 1)
    monkeypatch.setattr(training, "LOOK_EVERY", 1)


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Validation draws none: a third of a short run's time, where nobody looks."""
    from nmt.validation import Validation

    monkeypatch.setattr(Validation, "draw_examples", lambda *_: [])


def validation_that_finds(value: float, pairs: int) -> Any:
    """A result with the value as BLEU, chrF and loss."""
    from nmt.evaluation import QuickScores, Score
    from nmt.translation import TextHypothesis
    from nmt.validation import ValidationResult

    score = Score("BLEU", value, "signature")
    hypothesis = TextHypothesis("text", 0.0, 0.0, [], [], finished=True)
    return ValidationResult(value, QuickScores(score, score), [hypothesis] * pairs)


@pytest.fixture
def quick_validation(monkeypatch: pytest.MonkeyPatch, no_pictures: None) -> None:
    """Validation finds a number that only the weights decide: half of a short run's
    time, where nobody asks what it is."""
    from nmt.validation import Validation

    def run(validation: Validation) -> Any:
        weights = validation.model.parameters.values().values()
        value = 100 * sum(float(np.abs(np.sin(each)).mean()) for each in weights)
        return validation_that_finds(value / len(weights), len(validation.sources))

    monkeypatch.setattr(Validation, "run", run)


@pytest.fixture
def no_work(monkeypatch: pytest.MonkeyPatch) -> Callable[[Sequence[float]], None]:
    """A function of the values that validation, as BLEU and as loss, is to find."""
    from nmt.update import Report, Updater
    from nmt.validation import Validation

    report = Report(np.float32(1), np.float32(1), np.float32(1), np.True_, np.False_)
    monkeypatch.setattr(Updater, "update", lambda *arguments: report)

    def script(values: Sequence[float]) -> None:
        script = iter(values)

        def run(validation: Validation) -> Any:
            return validation_that_finds(next(script), len(validation.sources))

        monkeypatch.setattr(Validation, "run", run)

    return script


@pytest.fixture
def config(toy: Toy, tmp_path: Path) -> Path:
    """A configuration of the toy task, whose run directory is beside it."""
    return toy.config(tmp_path / "run")
