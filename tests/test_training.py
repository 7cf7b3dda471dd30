"""The loop: ends, validations, signals, and what a run directory then holds.

Updates do nothing here, and validations say what the test says; `test_resuming` trains.
"""

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Toy
from training_runs import (
    TIMING,
    Script,
    checkpoints,
    nmt_train,
    raise_signal_in_update,
    records,
    train,
    without_timing,
)

from nmt import training
from nmt.checkpoint import State
from nmt.config import TrainingConfig
from nmt.errors import DataError, RunError
from nmt.patience import after_validation
from nmt.run import RunDirectory, open_run
from nmt.signals import Interrupted

pytestmark = pytest.mark.usefixtures("every_update_is_logged")


@pytest.mark.parametrize("metric", ["bleu", "loss"])
@pytest.mark.parametrize("epochs_at_once", [9, 1])
def test_plateau_and_early_stopping_follow_the_validations_across_resumes(
    metric: str, epochs_at_once: int, config: Path, tmp_path: Path, no_work: Script
) -> None:
    values = [3.0, 4.0, 4.0, 2.0, 5.0, 1.0, 1.0, 5.0, 9.0]
    if metric == "loss":
        values = [10 - value for value in values]
    no_work(values)
    for epochs in range(epochs_at_once, 10, epochs_at_once):
        train(
            config,
            f"training.epochs={epochs}",
            "training.batch_size=60",
            "training.learning_rate=1.0",
            "training.schedule=plateau",
            "training.warmup_steps=0",
            "training.plateau_patience=2",
            f"training.early_stopping={{metric: {metric}, patience: 3}}",
        )
    run = tmp_path / "run"
    # Halved after two values in a row that are no better: the 4th, and the 7th. A
    # value as good as the best is no better, so the 8th is the third: the end.
    rates = [record["learning_rate"] for record in records(run, "train")]
    assert rates == [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.25]
    best = [record["best"] for record in records(run, "validation")]
    assert best == [True, True, False, False, True, False, False, False]
    assert open_run(run).state.step == 5
    last = RunDirectory(run).named("last")
    assert last is not None and last.name == "step-00000008"


def test_only_the_plateau_schedule_counts_reductions() -> None:
    for schedule in ("constant", "inverse_sqrt", "linear", "plateau"):
        training = TrainingConfig(schedule=schedule, warmup_steps=1, plateau_patience=1)
        state = State(step=1)
        for value in (2.0, 1.0, 1.0):
            state = after_validation(state, value, training)
        assert state.reductions == (2 if schedule == "plateau" else 0)


@pytest.mark.parametrize(
    "overrides, last",
    [
        (["epochs=2"], 18),
        (["epochs=2", "accumulate=2"], 10),
        (["epochs=null", "steps=15"], 15),
        (["epochs=2", "steps=11"], 11),
    ],
    ids=str,
)
def test_a_linear_schedule_ends_with_the_run_though_it_be_interrupted(
    overrides: list[str],
    last: int,
    config: Path,
    tmp_path: Path,
    no_work: Script,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    no_work([1.0, 2.0, 3.0, 4.0])
    linear = ["training.schedule=linear", "training.learning_rate=1.0"]
    linear += ["training.warmup_steps=4", "training.validate_every=5"]
    linear += [f"training.{override}" for override in overrides]
    raise_signal_in_update(monkeypatch, signal.SIGINT, 7)
    with pytest.raises(Interrupted):
        train(config, *linear)
    train(config, *linear)
    rates = [record["learning_rate"] for record in records(tmp_path / "run", "train")]
    falling = [share / (last - 3) for share in range(last - 3, 0, -1)]
    assert rates == pytest.approx([0.25, 0.5, 0.75, *falling])


def test_a_run_interrupted_in_its_last_update_logs_the_rate_of_one_that_was_not(
    config: Path, tmp_path: Path, no_work: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "LOG_EVERY", 50)
    settings = ["training.schedule=linear", "training.steps=5"]
    rates = []
    for name, interrupted in ("whole", False), ("two", True):
        no_work([1.0])
        run = f"run_dir={tmp_path / name}"
        if interrupted:
            raise_signal_in_update(monkeypatch, signal.SIGINT, 5)
            with pytest.raises(Interrupted):
                train(config, run, *settings)
        train(config, run, *settings)
        rates.append([r["learning_rate"] for r in records(tmp_path / name, "train")])
    assert rates[0] == rates[1]
    assert len(rates[0]) == 1


@pytest.mark.parametrize(
    "overrides, end, validated",
    [
        (["epochs=2"], (18, 2), [9, 18]),
        (["epochs=2", "steps=5"], (5, 1), [5]),
        (["epochs=2", "steps=99"], (18, 2), [9, 18]),
        (["epochs=null", "steps=9"], (9, 1), [9]),
        (["epochs=2", "validate_every=4"], (18, 2), [4, 8, 12, 16, 18]),
        (["epochs=2", "validate_every=9"], (18, 2), [9, 18]),
        (["epochs=2", "steps=8", "validate_every=4"], (8, 1), [4, 8]),
        (["epochs=1", "accumulate=2", "validate_every=99"], (5, 1), [5]),
    ],
    ids=str,
)
def test_training_ends_at_epochs_or_steps_and_validates_a_last_time_once(
    overrides: list[str],
    end: tuple[int, int],
    validated: list[int],
    config: Path,
    tmp_path: Path,
    no_work: Script,
) -> None:
    no_work(range(9))
    train(config, *(f"training.{override}" for override in overrides))
    run = tmp_path / "run"
    state = open_run(run).state
    assert (state.step, state.last_epoch) == end
    assert [record["step"] for record in records(run, "validation")] == validated
    assert [record["step"] for record in records(run, "train")] == [
        *range(1, end[0] + 1)
    ]


def test_a_finished_run_started_again_changes_nothing_and_says_so(
    config: Path, tmp_path: Path, no_work: Script, capsys: pytest.CaptureFixture[str]
) -> None:
    no_work([1, 2, 3])
    train(config)
    before = checkpoints(tmp_path / "run"), without_timing(tmp_path / "run")
    capsys.readouterr()
    train(config)
    assert (checkpoints(tmp_path / "run"), without_timing(tmp_path / "run")) == before
    assert "ended in epoch 3, after 27 updates" in capsys.readouterr().err


@pytest.mark.parametrize(
    "limit, validated",
    [
        ("epochs=1", [9, 18, 27]),
        ("steps=9", [9, 18, 27]),
        ("steps=13", [9, 13, 18, 27]),
    ],
)
def test_a_finished_run_with_more_to_do_goes_on(
    limit: str,
    validated: list[int],
    config: Path,
    tmp_path: Path,
    no_work: Script,
    capsys: pytest.CaptureFixture[str],
) -> None:
    no_work(range(9))
    train(config, f"training.{limit}")
    train(config)
    steps = [record["step"] for record in records(tmp_path / "run", "validation")]
    assert steps == validated
    key, value = limit.split("=")
    previous, now = (value, 3) if key == "epochs" else (value, "null")
    changed = f"changed since the last start: training.{key}: {previous} -> {now}"
    assert changed in capsys.readouterr().err


def test_more_patience_lets_a_run_that_stopped_early_go_on(
    config: Path, tmp_path: Path, no_work: Script
) -> None:
    no_work([5, 4, 4, 4])
    for patience in (1, 2):
        train(config, f"training.early_stopping={{patience: {patience}}}")
    assert len(records(tmp_path / "run", "validation")) == 3


def test_another_metric_starts_with_the_next_validation_as_its_best(
    config: Path, tmp_path: Path, no_work: Script, capsys: pytest.CaptureFixture[str]
) -> None:
    no_work([5, 4, 6])
    train(config, "training.epochs=1")
    # BLEU cuts German into words as it does what has no name.
    train(config, "training.epochs=1", "data.target_language=de")
    assert "what validation measures" not in capsys.readouterr().err
    train(config, "training.epochs=1", "data.target_language=zh")
    assert "what validation measures has changed" in capsys.readouterr().err
    train(config, "training.epochs=1")
    capsys.readouterr()
    train(config, "training.early_stopping={metric: loss}")
    assert "what validation measures has changed" in capsys.readouterr().err
    best = [record["best"] for record in records(tmp_path / "run", "validation")]
    assert best == [True, True, False]


@pytest.mark.parametrize(
    "number, exit_code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_a_signal_saves_says_how_to_resume_and_is_the_exit_code(
    number: int,
    exit_code: int,
    config: Path,
    tmp_path: Path,
    no_work: Script,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    no_work([1, 2, 3])
    raise_signal_in_update(monkeypatch, number, 13)
    handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    result = nmt_train(config)
    assert (result.exit_code, result.stdout) == (exit_code, "")
    assert "saved step 13; the same command goes on" in result.stderr
    last = RunDirectory(tmp_path / "run").named("last")
    assert last is not None and open_run(last).state.step == 13
    assert (open_run(tmp_path / "run")).state.step == 9  # the best
    assert handlers == (
        signal.getsignal(signal.SIGINT),
        signal.getsignal(signal.SIGTERM),
    )
    assert nmt_train(config).exit_code == 0


def test_a_crash_while_a_checkpoint_is_saved_leaves_the_one_before(
    config: Path, tmp_path: Path, no_work: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_work([1, 2, 2, 3])
    real = np.savez
    calls: Iterator[int] = iter(range(99))

    def fails_at_fifth(*arguments: Any, **arrays: Any) -> None:
        if next(calls) == 4:  # of three files a checkpoint: within the second
            raise OSError(28, "No space left on device", "weights.npz")
        real(*arguments, **arrays)

    with monkeypatch.context() as patch:
        patch.setattr(np, "savez", fails_at_fifth)
        result = nmt_train(config)
    assert result.exit_code == 1
    assert "No space left" in result.stderr and "Traceback" not in result.stderr
    assert open_run(tmp_path / "run").state.step == 9
    train(config)
    assert sorted(checkpoints(tmp_path / "run")) == ["best", "last", "step-00000027"]
    steps = [record["step"] for record in records(tmp_path / "run", "validation")]
    assert steps == [9, 18, 27]


# What belongs to a run ------------------------------------------------------------


def test_training_text_may_move_but_not_change(
    toy: Toy, config: Path, tmp_path: Path, no_work: Script
) -> None:
    no_work([1, 2, 3, 4])
    train(config, "training.epochs=1")
    moved = [tmp_path / "few.source", tmp_path / "few.target"]
    for file in moved:
        file.write_bytes((toy.directory / file.name).read_bytes())
    paths = f"data.train={{source: {moved[0]}, target: {moved[1]}}}"
    train(config, paths, "training.epochs=2")
    text = moved[0].read_text()
    moved[0].write_text(text.replace("ba", "po", 1))
    before = checkpoints(tmp_path / "run")
    encoded = [file.stat().st_ino for file in (tmp_path / "run/corpus").iterdir()]
    with pytest.raises(RunError, match="training text is not what it was at step 18"):
        train(config, paths)
    assert checkpoints(tmp_path / "run") == before
    assert encoded == [
        file.stat().st_ino for file in (tmp_path / "run/corpus").iterdir()
    ]
    moved[0].write_text(text)
    train(config, paths)
    assert open_run(tmp_path / "run").state.step == 27


def test_restart_moves_the_old_run_aside_and_loses_nothing(
    config: Path, tmp_path: Path, no_work: Script, capsys: pytest.CaptureFixture[str]
) -> None:
    no_work([3, 2, 1, 3, 2, 1])
    train(config)
    before = {
        path.relative_to(tmp_path / "run"): path.read_bytes()
        for path in (tmp_path / "run").rglob("*")
        if path.is_file()
    }
    train(config, "model.decoder_size=4", restart=True)
    aside = tmp_path / "run.old-1"
    after = {
        path.relative_to(aside): path.read_bytes()
        for path in aside.rglob("*")
        if path.is_file()
    }
    assert after == before
    assert f"the old run is now {aside}" in capsys.readouterr().err
    assert open_run(tmp_path / "run").config.model.decoder_size == 4


def test_restart_looks_at_the_text_before_it_moves_anything(
    config: Path, tmp_path: Path, no_work: Script
) -> None:
    no_work([3])
    train(config, "training.epochs=1")
    nowhere = "data.train={source: nowhere.en, target: nowhere.de}"
    with pytest.raises(DataError, match="nowhere.en"):
        train(config, nowhere, restart=True)
    assert open_run(tmp_path / "run").state.step == 9
    assert not list(tmp_path.glob("*.old-*"))


def test_metrics_have_exactly_the_keys_of_the_contract(
    config: Path, tmp_path: Path, no_work: Script
) -> None:
    no_work([1, 2, 3])
    train(config)
    common = {"kind", "step", "epoch", "loss", "seconds"}
    for record in records(tmp_path / "run", "train"):
        assert set(record) == common | TIMING | {
            "learning_rate",
            "gradient_norm",
            "padding",
        }
    for record in records(tmp_path / "run", "validation"):
        assert set(record) == common | {
            "perplexity",
            "bleu",
            "chrf",
            "signature",
            "best",
        }
        assert record["epoch"] == record["step"] / 9


def test_trying_the_largest_batch_is_no_part_of_the_first_figures(
    config: Path, no_work: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_work([])
    tried, begun = [], []
    monkeypatch.setattr(
        training, "rehearse", lambda *_: tried.append(time.perf_counter())
    )
    monkeypatch.setattr(
        training.Training,
        "run_to_end",
        lambda self: begun.append(self.interval.started),
    )
    train(config)
    assert tried and tried < begun
