"""Signals, crashes, damage and lack of memory, with updates that do nothing."""

import shutil
import signal
from pathlib import Path
from time import perf_counter
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from training_runs import (
    Died,
    Script,
    call_before_update,
    die,
    die_in_update,
    nmt_train,
    raise_signal_in_update,
    records,
    train,
    without_timing,
)

from nmt import cores, feeding, training
from nmt.checkpoint import State
from nmt.cores import Cores
from nmt.run import RunDirectory
from nmt.signals import Interrupted
from nmt.update import Report, Updater
from nmt.validation import Validation

pytestmark = pytest.mark.usefixtures("every_update_is_logged")


def test_a_validation_that_is_interrupted_is_done_by_the_next_start(
    config: Path, tmp_path: Path, no_work: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_work([1, 2, 3])
    with monkeypatch.context() as patch:
        patch.setattr(Validation, "run", lambda _: signal.raise_signal(signal.SIGTERM))
        result = nmt_train(config)
    assert result.exit_code == 143
    assert "saved step 9; the same command goes on" in result.stderr
    assert records(tmp_path / "run", "validation") == []
    train(config)
    steps = [record["step"] for record in records(tmp_path / "run", "validation")]
    assert steps == [9, 18, 27]
    taken = [record["step"] for record in records(tmp_path / "run", "train")]
    assert taken == list(range(1, 28))


def test_a_signal_before_the_first_update_loses_nothing_and_saves_nothing(
    config: Path, tmp_path: Path, no_work: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_work([1, 2, 3])
    with monkeypatch.context() as patch:
        patch.setattr(
            feeding,
            "encode_corpus",
            lambda *_, **__: signal.raise_signal(signal.SIGHUP),
        )
        result = nmt_train(config)
    assert result.exit_code == 128 + signal.SIGHUP
    assert "interrupted before the next update" in result.stderr
    assert not (tmp_path / "run" / "checkpoints").exists()
    assert nmt_train(config).exit_code == 0


# Where a validation is due after a checkpoint of its own step, too.
@pytest.mark.parametrize("interrupted_at", [None, 9])
def test_a_kill_between_metrics_and_checkpoint_repeats_no_line(
    interrupted_at: int | None,
    config: Path,
    tmp_path: Path,
    no_work: Script,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    no_work([1, 2, 3, 4])
    monkeypatch.setattr(training, "LOG_EVERY", 50)
    overrides = ("training.validate_every=9",)
    if interrupted_at is not None:
        with monkeypatch.context() as patch:
            raise_signal_in_update(patch, signal.SIGTERM, interrupted_at)
            with pytest.raises(Interrupted):
                train(config, *overrides)

    with monkeypatch.context() as patch:
        patch.setattr(training, "save", die)
        with pytest.raises(Died):
            train(config, *overrides)
    run = tmp_path / "run"
    assert [record["step"] for record in records(run, "validation")] == [9]
    train(config, *overrides)
    for kind in ("train", "validation"):
        assert [record["step"] for record in records(run, kind)] == [9, 18, 27]


@pytest.mark.parametrize("killed", [False, True])
def test_metrics_after_an_interruption_cover_the_updates_before_it(
    killed: bool,
    config: Path,
    tmp_path: Path,
    no_work: Script,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    no_work(range(6))
    monkeypatch.setattr(training, "LOG_EVERY", 5)
    train(config)
    expected = without_timing(tmp_path / "run")
    if killed:
        monkeypatch.setattr(training, "SAVE_EVERY", 0)
        die_in_update(monkeypatch, 4, 14)
    else:
        raise_signal_in_update(monkeypatch, signal.SIGTERM, 3, 13)
    for restart in (True, False):
        with pytest.raises(Died if killed else Interrupted):
            train(config, restart=restart)
    train(config)
    # The scripted values of validation differ, what updates report does not.
    after = without_timing(tmp_path / "run")
    assert [r for r in after if r["kind"] == "train"] == [
        r for r in expected if r["kind"] == "train"
    ]


def test_a_checkpoint_is_saved_when_ten_minutes_have_gone_by(
    config: Path, tmp_path: Path, no_work: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An update takes 100 seconds here, and nobody looks at it before a save."""
    no_work([1, 2, 3])
    saved: list[int] = []
    seconds = [0]
    update, save = Updater.update, training.save

    def slow(self: Updater, batches: Any, step: int, rate: float) -> Report:
        seconds[0] = 100 * step
        report = update(self, batches, step, rate)
        return report._replace(applied=np.bool_(step != 23))

    def noted(run: RunDirectory, state: State, *arguments: Any, **options: Any) -> None:
        saved.append(state.step)
        save(run, state, *arguments, **options)

    clock = SimpleNamespace(monotonic=lambda: seconds[0], perf_counter=perf_counter)
    monkeypatch.setattr(training, "time", clock)
    monkeypatch.setattr(training, "LOOK_EVERY", 50)
    monkeypatch.setattr(training, "save", noted)
    monkeypatch.setattr(Updater, "update", slow)
    die_in_update(monkeypatch, 26)
    with pytest.raises(Died):
        train(config, "training.keep=2")
    # A validation, which comes after each 9, saves as well.
    assert saved == [6, 9, 15, 18, 24]
    run = tmp_path / "run"
    steps = {int(path.name[5:]) for path in run.glob("checkpoints/step-*")}
    assert steps == {9, 18, 24}
    train(config, "training.keep=2")
    assert saved[5:] == [27]
    steps = {int(path.name[5:]) for path in run.glob("checkpoints/step-*")}
    assert steps == {18, 27}
    assert [record["step"] for record in records(run, "skipped")] == [23]


def test_what_goes_on_after_a_restart_is_the_command_without_it(
    config: Path,
    no_work: Script,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    no_work([1])
    raise_signal_in_update(monkeypatch, signal.SIGTERM, 3)
    with pytest.raises(Interrupted):
        train(config, restart=True)
    assert "the same command without --restart goes on" in capsys.readouterr().err


def test_a_damaged_checkpoint_is_told_and_its_updates_are_made_again(
    config: Path, tmp_path: Path, no_work: Script, capsys: pytest.CaptureFixture[str]
) -> None:
    no_work(range(9))
    overrides = ("training.keep=3", "training.validate_every=9")
    train(config, *overrides, "training.epochs=2")
    last = RunDirectory(tmp_path / "run").named("last")
    assert last is not None
    (last / "weights.npz").write_bytes(b"")
    train(config, *overrides)
    said = capsys.readouterr().err
    assert f"{last / 'weights.npz'}: damaged" in said
    assert "going back to step-00000009" in said
    for kind, every in (("train", 1), ("validation", 9)):
        steps = [record["step"] for record in records(tmp_path / "run", kind)]
        assert steps == list(range(every, 28, every))


def test_another_machine_is_told_and_the_run_keeps_its_threads(
    config: Path,
    no_work: Script,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    no_work(range(9))

    def kept(_: Any, of_run: dict[str, Any]) -> Cores:
        return Cores(1, of_run.get("threads", 7))

    monkeypatch.setattr(cores, "use_cores", kept)
    train(config, "training.epochs=1")
    train(config, "training.epochs=2")
    assert "last digits" not in capsys.readouterr().err
    monkeypatch.setattr("tensorflow.__version__", "9.9")
    monkeypatch.setattr(cores, "use_cores", lambda *_: Cores(1, 8))
    train(config)
    said = capsys.readouterr().err
    assert "threads: 7 -> 8: the last digits" in said
    assert "-> 9.9: the last digits of the weights may differ" in said


@pytest.mark.parametrize(
    "error",
    [
        tf.errors.ResourceExhaustedError(None, None, "OOM when allocating"),
        tf.errors.InternalError(None, None, "CUDA_ERROR_OUT_OF_MEMORY: no room"),
    ],
    ids=["TensorFlow's", "CUDA's"],
)
def test_out_of_memory_names_the_key_to_turn(
    error: Exception,
    config: Path,
    tmp_path: Path,
    no_work: Script,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def too_large(*_: Any) -> Report:
        raise error

    monkeypatch.setattr(Updater, "update", too_large)
    for arguments in ([], ["--dry-run"]):
        result = nmt_train(config, *arguments)
        assert result.exit_code == 1 and "Traceback" not in result.stderr
        assert "lower training.batch_size (now 7" in result.stderr
        assert "data.max_length (now 100)" in result.stderr
        assert "with --restart only" in result.stderr  # once there is a checkpoint
    last = (tmp_path / "run/train.log").read_text().splitlines()[-1]
    assert "failed: " in last and "lower training.batch_size (now 7" in last
    result = nmt_train(
        config, "--set=training.batch_tokens=90", "--set=training.batch_size=null"
    )
    assert "lower training.batch_tokens (now 90" in result.stderr


def test_a_run_directory_that_is_removed_meanwhile_is_not_made_again(
    config: Path, tmp_path: Path, no_work: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_work(range(9))
    call_before_update(
        monkeypatch, lambda step: step == 13 and shutil.rmtree(tmp_path / "run")
    )
    result = nmt_train(config)
    assert result.exit_code == 1 and "Traceback" not in result.stderr
    assert "removed meanwhile: put it back" in result.stderr
    assert not (tmp_path / "run").exists()


def test_an_exploded_loss_is_told_with_its_step_and_factor(
    config: Path,
    no_work: Script,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    no_work(range(9))

    def update(_: Updater, __: Any, step: int, ___: float) -> Report:
        loss = np.float32(30 if step == 25 else 1)
        return Report(loss, np.float32(1), np.float32(1), np.True_, np.False_)

    monkeypatch.setattr(Updater, "update", update)
    train(config)
    said = capsys.readouterr().err
    assert said.count("times the average") == 1
    assert "step 25: its loss, 30.000, is 30.0 times the average of late" in said
    assert "few.source, lines " in said
