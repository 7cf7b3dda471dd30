"""Real training, interrupted or not: the same run in the end."""

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Toy
from event_files import points, points_of_metrics
from training_runs import (
    PLAIN_MODEL,
    RATE,
    Died,
    call_before_update,
    checkpoints,
    die_in_update,
    poison_gradients,
    raise_signal_in_update,
    records,
    start_training,
    train,
    without_timing,
)

from nmt import training
from nmt.config import load_config
from nmt.corpus import ParallelCorpus
from nmt.errors import RunError
from nmt.feeding import make_plan
from nmt.opening import Inputs, open_training
from nmt.parallel_text import load_pairs
from nmt.recovery import Start
from nmt.rehearsal import rehearse, worst_batch
from nmt.run import RunDirectory, open_run
from nmt.signals import Interrupted

pytestmark = pytest.mark.usefixtures("every_update_is_logged")


@pytest.fixture(scope="module")
def uninterrupted(
    toy: Toy, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[int], Path]:
    """A function of `accumulate`: the run that nothing interrupted."""
    runs: dict[int, Path] = {}

    def run(accumulate: int) -> Path:
        if accumulate not in runs:
            path = runs[accumulate] = tmp_path_factory.mktemp("run") / "straight"
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(training, "LOG_EVERY", 1)
                patch.setattr(training, "LOOK_EVERY", 1)
                train(toy.config(path), *settings(accumulate))
        return runs[accumulate]

    return run


def settings(accumulate: int) -> tuple[str, ...]:
    return (
        *PLAIN_MODEL,
        f"training.accumulate={accumulate}",
        "training.validate_every=4",
    )


# Of 9 batches an epoch: a step at which validation is due, the last of an epoch, and
# with two batches an update the last, which has one.
@pytest.mark.usefixtures("no_pictures")
@pytest.mark.parametrize("accumulate, steps", [(1, (4, 9)), (2, (5,))])
def test_a_resumed_run_equals_an_uninterrupted_one_bit_for_bit(
    accumulate: int,
    steps: tuple[int, ...],
    toy: Toy,
    uninterrupted: Callable[[int], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    expected = uninterrupted(accumulate)
    raise_signal_in_update(monkeypatch, signal.SIGTERM, *steps)
    path = tmp_path / "run"
    config = toy.config(path)
    for step in steps:
        with pytest.raises(Interrupted):
            train(config, *settings(accumulate))
        assert open_run(path / f"checkpoints/step-{step:08d}").state.step == step
    train(config, *settings(accumulate))
    assert checkpoints(path) == checkpoints(expected)
    assert without_timing(path) == without_timing(expected)
    taken = [record["step"] for record in records(path, "train")]
    assert taken == list(range(1, 3 * -(-9 // accumulate) + 1))


@pytest.mark.usefixtures("no_pictures")
def test_a_run_that_was_killed_equals_an_uninterrupted_one_when_it_has_gone_on(
    toy: Toy, uninterrupted: Callable[[int], Path], tmp_path: Path
) -> None:
    path = tmp_path / "run"
    config = toy.config(path)
    process = start_training(config, *settings(1), seconds=0.1)
    last = path / "checkpoints" / "last"
    deadline = time.monotonic() + 120
    while not last.exists() and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    wait = random.uniform(0, 1.5)
    time.sleep(wait)
    process.kill()
    _, stderr = process.communicate()
    assert process.returncode == -signal.SIGKILL, stderr
    train(config, *settings(1))
    assert checkpoints(path) == checkpoints(uninterrupted(1)), f"killed after {wait} s"
    assert without_timing(path) == without_timing(uninterrupted(1))


@pytest.mark.usefixtures("no_pictures")
def test_a_kill_between_two_validations_costs_what_came_since_the_last_checkpoint(
    toy: Toy,
    uninterrupted: Callable[[int], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(training, "SAVE_EVERY", 0)
    die_in_update(monkeypatch, 11)
    path = tmp_path / "run"
    config = toy.config(path)
    with pytest.raises(Died):
        train(config, *settings(1))
    # One that no validation has seen is there only until the next one is.
    steps = {int(each.name[5:]) for each in path.glob("checkpoints/step-*")}
    best = (path / "checkpoints/best").read_text().strip()
    assert steps == {8, 10, int(best[5:])}
    train(config, *settings(1))
    assert checkpoints(path) == checkpoints(uninterrupted(1))
    assert without_timing(path) == without_timing(uninterrupted(1))


# Updates that go wrong --------------------------------------------------------------

ROLLBACK = (
    *PLAIN_MODEL,
    "training.schedule=constant",
    f"training.learning_rate={RATE}",
    "training.validate_every=6",
)


def arrays(checkpoint: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in checkpoint.glob("*.npz")}


@pytest.mark.usefixtures("quick_validation")
def test_five_skipped_updates_take_a_run_back_to_its_start_with_half_the_rate(
    toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected, path = tmp_path / "half", tmp_path / "run"
    end = (*ROLLBACK, "training.epochs=1")
    train(toy.config(expected), *end, f"training.learning_rate={RATE / 2}")
    poison_gradients(monkeypatch, 1, 5)
    train(toy.config(path), *end)
    for name in ("step-00000006", "step-00000009"):
        assert arrays(path / "checkpoints" / name) == arrays(
            expected / "checkpoints" / name
        )
    steps = [record["step"] for record in records(path, "train")]
    assert steps == list(range(1, 10))
    [rollback] = records(path, "rollback")
    assert (rollback["step"], rollback["from_step"]) == (0, 5)
    assert [each["step"] for each in rollback["skipped"]] == [1, 2, 3, 4, 5]
    lines = [each["lines"].popitem()[1] for each in rollback["skipped"]]
    assert all(len(some) > 1 for some in lines)
    assert rollback["learning_rate"] == RATE / 2 and records(path, "start")


def test_a_run_that_went_back_is_the_same_whatever_interrupts_it(
    toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison_gradients(monkeypatch, 8, 12)
    expected, path = tmp_path / "straight", tmp_path / "run"
    overrides = (*ROLLBACK, "training.steps=14", "training.keep=9")
    train(toy.config(expected), *overrides)
    # Step 12 is done a second time after the run has gone back from it to step 6.
    raise_signal_in_update(monkeypatch, signal.SIGTERM, 4, 10, 12)
    for _ in range(3):
        with pytest.raises(Interrupted):
            train(toy.config(path), *overrides)
    train(toy.config(path), *overrides)
    for name in ("step-00000006", "step-00000012", "step-00000014"):
        folders = [run / "checkpoints" / name for run in (path, expected)]
        assert arrays(folders[0]) == arrays(folders[1])
    assert without_timing(path) == without_timing(expected)
    rates = [record["learning_rate"] for record in records(path, "train")]
    assert rates == [RATE] * 6 + [RATE / 2] * 8
    shown = points(path)
    assert shown == points(expected)
    assert points_of_metrics(path).items() <= shown.items()
    assert shown["examples"] == shown["attention/1"] == [6, 12, 14]


@pytest.mark.usefixtures("quick_validation")
def test_going_back_keeps_what_this_start_has_changed(
    toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run"
    config = toy.config(path)
    stopping = "training.early_stopping={{metric: {}, patience: 1}}".format
    begun = (*ROLLBACK, "training.steps=12", stopping("bleu"))
    train(config, *begun, "training.steps=6")
    state = open_run(path / "checkpoints" / "last").state
    assert state.measure.startswith("bleu") and state.best is not None
    poison_gradients(monkeypatch, 7, 11)
    train(config, *begun, stopping("loss"))
    assert len(records(path, "rollback")) == 1
    state = open_run(path / "checkpoints" / "last").state
    assert state.measure.startswith("loss") and state.step == 12
    [_, after] = records(path, "validation")
    assert after["best"] and state.best == pytest.approx(-after["loss"])


@pytest.mark.usefixtures("quick_validation")
def test_a_run_that_validates_between_skipped_updates_stops_as_well(
    toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison_gradients(monkeypatch, 3, 99, at_any_rate=True)
    config = toy.config(tmp_path / "run")
    with pytest.raises(RunError, match="each of 3 returns"):
        train(config, *ROLLBACK, "training.validate_every=4")
    assert len(records(tmp_path / "run", "rollback")) == 3


@pytest.mark.usefixtures("quick_validation")
@pytest.mark.parametrize(
    "where", ["nmt.starting.open_training", "nmt.training.Training.run_to_end"]
)
def test_another_configuration_may_go_back_anew_though_its_first_start_is_killed(
    where: str, toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison_gradients(monkeypatch, 1, 99, at_any_rate=True)
    path = tmp_path / "run"
    config, last = toy.config(path), path / "checkpoints" / "last"
    with pytest.raises(RunError, match="each of 3 returns to step 0"):
        train(config, *ROLLBACK)
    assert open_run(last).state.rollbacks == 3
    other = (*ROLLBACK, "training.warmup_steps=9")
    with monkeypatch.context() as killed:
        killed.setattr(where, lambda *_: sys.exit(1))
        with pytest.raises(SystemExit):
            train(config, *other)
    with pytest.raises(RunError, match="each of 3 returns"):
        train(config, *other)
    assert len(records(path, "rollback")) == 6


@pytest.mark.usefixtures("quick_validation")
def test_a_run_stops_where_going_back_does_not_help_and_names_the_lines(
    toy: Toy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    poison_gradients(monkeypatch, 7, 99, at_any_rate=True)
    path = tmp_path / "run"
    config = toy.config(path)
    with pytest.raises(
        RunError, match="stopped at step 11.*each of 3 returns to step 6"
    ):
        train(config, *ROLLBACK)
    last = open_run(path / "checkpoints" / "last")
    assert (last.state.step, last.state.halvings) == (6, 3)
    assert [file.name for file in (path / "checkpoints").glob("step-*")] == [
        "step-00000006"
    ]
    settings = load_config(config, ROLLBACK)
    corpus = ParallelCorpus(path / "corpus")
    plan = make_plan(settings, corpus, 0)
    text = str(settings.data.train[0].source)
    for record in records(path, "skipped"):
        # Every line of the toy's text is trained on: pair n is line n + 1.
        if record["step"] <= 9:
            lines = sorted((plan[record["step"] - 1] + 1).tolist())
            assert record["lines"] == {text: lines}
    said = capsys.readouterr().err
    assert (
        f"step 7 was skipped: its loss or gradient was not finite; its batch: {text}"
        in said
    )
    # Another configuration has its own three tries, and may succeed, though its first
    # start makes no update.
    monkeypatch.undo()
    changed = (*ROLLBACK, "training.epochs=2", "training.learning_rate=0.001")
    with pytest.MonkeyPatch.context() as patch, pytest.raises(OSError):
        call_before_update(patch, lambda step: os.stat("/nowhere"))
        train(config, *changed)
    train(config, *changed)
    assert open_run(path / "checkpoints" / "last").state.step == 18
    rates = {each["learning_rate"] for each in records(path, "train")[6:]}
    assert rates == {0.001}, "what was halved before is not halved again"


@pytest.mark.parametrize("precision", ["float32", "mixed_float16"])
def test_trying_the_worst_batch_changes_no_bit(
    precision: str, toy: Toy, tmp_path: Path
) -> None:
    overrides = ["training.accumulate=2", f"training.precision={precision}"]
    config = load_config(toy.config(tmp_path / "run"), overrides)
    run = RunDirectory(config.run_dir)
    run.path.mkdir()
    inputs = Inputs(load_pairs(config.data.validation))
    opening = open_training(config, run, Start(), inputs, {"parts": 1})
    updater = opening.updater

    def everything() -> dict[str, Any]:
        values = {
            **updater.model.parameters.values(),
            **updater.adam.values(),
            **{f"mean/{n}": x for n, x in updater.average.parameters.values().items()},
        }
        scale = updater.loss_scale and updater.loss_scale.values()
        return {name: value.tobytes() for name, value in values.items()} | (scale or {})

    before = everything()
    plan = make_plan(config, opening.corpus, 0)
    worst = worst_batch(config, opening.corpus, opening.tokenizers, plan)
    rehearse(config, worst, updater)
    assert everything() == before
