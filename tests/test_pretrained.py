"""A run that starts from another one has its weights and its tokenizer, and no more."""

import shutil
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Toy, ToyRun
from training_runs import (
    Died,
    checkpoints,
    die,
    nmt_train,
    poison_gradients,
    records,
    train,
    without_timing,
)

from nmt import rehearsal, run, training
from nmt.checkpoint import AVERAGE, OPTIMIZER, WEIGHTS
from nmt.config import load_config
from nmt.errors import NmtError
from nmt.rehearsal import dry_run
from nmt.run import OpenRun, open_run
from nmt.signals import Interrupted
from nmt.validation import Validation

pytestmark = pytest.mark.usefixtures("every_update_is_logged", "no_pictures")

# Of the toy run.
SIZES = ("embedding_size=24", "encoder_size=24", "decoder_size=48")


@dataclass(frozen=True)
class Child:
    """A configuration that starts from a copy of the toy run."""

    config: Path
    path: Path
    parent: Path

    @property
    def settings(self) -> tuple[str, ...]:
        sizes = (f"model.{size}" for size in SIZES)
        return (*sizes, f"training.start_from={self.parent}")

    def train(self, *overrides: str) -> None:
        train(self.config, *self.settings, *overrides)


@pytest.fixture
def child(toy: Toy, toy_run: ToyRun, tmp_path: Path) -> Child:
    shutil.copytree(toy_run.path, tmp_path / "parent")
    path = tmp_path / "child"
    return Child(toy.config(path), path, tmp_path / "parent")


def arrays(checkpoint: OpenRun, file: str) -> dict[str, Any]:
    with np.load(checkpoint.checkpoint / file) as archive:
        return dict(archive)


def test_it_begins_where_the_other_one_is_best_and_says_so(
    child: Child, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for module in rehearsal, run:
        monkeypatch.setattr(module, "train_tokenizers", None)  # there is one
    # Neither changes a shape or an id.
    child.train(
        "training.steps=1", "model.dropout.output=0.5", "tokenizer.sampling=0.5"
    )
    parent, start = open_run(child.parent), child.path / "checkpoints/step-00000000"
    begun = open_run(start)
    expected = arrays(parent, AVERAGE)
    for file in WEIGHTS, AVERAGE:
        np.testing.assert_equal(arrays(begun, file), expected)
    assert not any(value.any() for value in arrays(begun, OPTIMIZER).values())
    assert begun.tokenizers.checksum == parent.tokenizers.checksum
    before, *_ = records(child.path, "validation")
    best = [each for each in records(child.parent, "validation") if each["best"]][-1]
    same = ("loss", "perplexity", "bleu", "chrf", "signature")
    assert [before[name] for name in same] == [best[name] for name in same]
    assert (before["step"], before["epoch"], before["best"]) == (0, 0, True)
    said = capsys.readouterr().err
    assert f"starting from {parent.checkpoint}" in said
    assert f"validation before epoch 1, step 0: BLEU {best['bleu']:.2f}" in said
    weights = arrays(open_run(child.path / "checkpoints/last"), WEIGHTS)
    assert any((weights[name] != value).any() for name, value in expected.items())
    for other in f"{child.parent}-other", "null":
        with pytest.raises(NmtError, match=f"training.start_from: .* -> {other}"):
            child.train(f"training.start_from={other}")
    assert "worst batch" in dry_run(load_config(child.config, child.settings))


@pytest.mark.usefixtures("quick_validation")
def test_it_goes_on_without_the_other_one_bit_for_bit(
    child: Child, toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    straight = Child(
        toy.config(tmp_path / "straight"), tmp_path / "straight", child.parent
    )
    straight.train()

    with monkeypatch.context() as patch:
        patch.setattr(training, "save", die)
        with pytest.raises(Died):
            child.train()
    assert [each["step"] for each in records(child.path, "validation")] == [0]
    with monkeypatch.context() as patch:
        patch.setattr(Validation, "run", lambda _: signal.raise_signal(signal.SIGTERM))
        with pytest.raises(Interrupted):
            child.train()
    shutil.rmtree(child.parent)
    child.train()
    assert checkpoints(child.path) == checkpoints(straight.path)
    assert without_timing(child.path) == without_timing(straight.path)


@pytest.mark.usefixtures("quick_validation")
def test_it_goes_back_to_the_other_ones_weights(
    child: Child, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison_gradients(monkeypatch, 1, 99, at_any_rate=True)
    with pytest.raises(NmtError, match="each of 3 returns to step 0"):
        child.train()
    last = open_run(child.path / "checkpoints/last")
    assert last.checkpoint.name == "step-00000000"
    for file in WEIGHTS, AVERAGE:
        expected = arrays(open_run(child.parent), AVERAGE)
        np.testing.assert_equal(arrays(last, file), expected)


@pytest.mark.parametrize(
    "override, said",
    [
        ("model.embedding_size=32", "model.embedding_size: 32 here, 24 there"),
        ("model.layer_norm=false", "model.layer_norm: false here, true there"),
        ("tokenizer.vocab_size=290", "tokenizer.vocab_size: 290 here, 300 there"),
        ("tokenizer.type=unigram", "tokenizer.type: unigram here, bpe there"),
        ("training.start_from={child}", "{child} is in run_dir itself"),
        (
            "training.start_from={child}/none",
            "training.start_from: {child}/none: no such directory",
        ),
        ("training.start_from={parent}/tokenizer", "holds no checkpoint"),
    ],
)
def test_what_it_cannot_start_from_is_told_before_anything_is_made(
    override: str, said: str, child: Child, toy_run: ToyRun
) -> None:
    ways: list[list[str]] = [[], ["--restart"], ["--dry-run"]]
    own = said.startswith("{child} ")
    if own:
        shutil.copytree(toy_run.path, child.path)
        ways.remove([])
    names = {"child": child.path, "parent": child.parent}
    arguments = [
        f"--set={each}" for each in (*child.settings, override.format(**names))
    ]
    for more in ways:
        result = nmt_train(child.config, *arguments, *more)
        assert result.exit_code == 1
        assert said.format(**names) in result.stderr
    assert child.path.exists() == own
    assert sorted(child.path.parent.glob("child*.old*")) == []
