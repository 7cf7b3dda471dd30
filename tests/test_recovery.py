"""From which checkpoint a run goes on, after crashes and damage."""

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nmt.checkpoint import Arrays, State
from nmt.config import TrainingConfig
from nmt.errors import RunError
from nmt.patience import after_validation
from nmt.recovery import find_start
from nmt.run import RunDirectory

ARRAYS: dict[str, Arrays] = {"weights.npz": {"matrix": np.ones((2, 3), np.float32)}}


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    """A run with checkpoints 1, 2 and 3: the last is the best as well."""
    (tmp_path / "run").mkdir()
    run = RunDirectory(tmp_path / "run")
    for step in (1, 2, 3):
        best_step = step if step != 2 else 1
        state = State(step=step, best_step=best_step)
        run.save(state, ARRAYS, best=step == best_step)
    return run


def test_a_run_goes_on_from_its_last_checkpoint(run: RunDirectory) -> None:
    start = find_start(run)
    assert (start.state.step, start.remarks) == (3, [])
    assert start.checkpoint == run.named("last")


def test_a_run_without_checkpoints_starts_at_step_0(tmp_path: Path) -> None:
    start = find_start(RunDirectory(tmp_path))
    assert (start.state, start.checkpoint, start.remarks) == (State(), None, [])


DAMAGES: dict[str, Callable[[Path], object]] = {
    "flipped": lambda file: file.write_bytes(b"\0" + file.read_bytes()[1:]),
    "cut short": lambda file: os.truncate(file, file.stat().st_size // 2),
    "missing": lambda file: file.unlink(),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", ["weights.npz", "state.json", "manifest.json"])
def test_a_damaged_last_checkpoint_is_named_and_the_one_before_taken(
    name: str, damage: str, run: RunDirectory
) -> None:
    DAMAGES[damage](run.checkpoints / "step-00000003" / name)
    start = find_start(run)
    assert start.state.step == 2
    assert "step-00000003" in start.remarks[0]
    assert "going back to step-00000002" in start.remarks[1]
    # What translates finds what is whole as well.
    assert run.named("last") == run.checkpoints / "step-00000002"
    assert run.named("best") == run.checkpoints / "step-00000001"
    assert find_start(run).remarks == []


def test_where_no_checkpoint_is_whole_nothing_starts_and_all_are_named(
    run: RunDirectory,
) -> None:
    for checkpoint in run.checkpoints.glob("step-*"):
        (checkpoint / "weights.npz").unlink()
    before = sorted(run.path.rglob("*"))
    with pytest.raises(RunError) as error:
        find_start(run)
    for step in (1, 2, 3):
        assert f"step-0000000{step}/weights.npz: missing" in str(error.value)
    assert sorted(run.path.rglob("*")) == before


@pytest.mark.parametrize("content", [b"", b"step-00000099\n", b"\xff\xfe"])
def test_a_damaged_pointer_is_told_and_the_newest_checkpoint_taken(
    content: bytes, run: RunDirectory
) -> None:
    (run.checkpoints / "last").write_bytes(content)
    start = find_start(run)
    assert start.state.step == 3
    assert str(run.checkpoints / "last") in start.remarks[0]


def test_a_best_checkpoint_that_is_gone_is_told_and_saving_goes_on(
    run: RunDirectory,
) -> None:
    run.save(State(step=4, best_step=3), ARRAYS, best=False)
    shutil.rmtree(run.checkpoints / "step-00000003")
    start = find_start(run)
    assert start.state.step == 4
    assert start.remarks == ["the best checkpoint is now step-00000004"]
    assert run.named("best") == run.checkpoints / "step-00000004"
    run.sweep(1)
    assert find_start(run).remarks == []


def test_the_value_of_a_best_checkpoint_that_is_lost_counts_no_more(
    run: RunDirectory,
) -> None:
    """Otherwise nothing that is a little worse would ever take its name."""
    run.save(State(step=4, best=30.0, best_step=3, since_best=1), ARRAYS, best=False)
    shutil.rmtree(run.checkpoints / "step-00000003")
    for _ in range(2):  # until something is saved
        start = find_start(run)
        assert "step-00000003, which validated best, is lost" in start.remarks[-1]
        state = start.state
        assert (state.best, state.since_best) == (None, 0)
    state = after_validation(replace(state, step=5), 29.0, TrainingConfig())
    run.save(state, ARRAYS, best=True)
    assert find_start(run).remarks == [] and find_start(run).state.best == 29.0


def test_a_run_that_is_at_its_end_does_not_go_on_for_a_lost_best(
    run: RunDirectory,
) -> None:
    state = State(step=4, best=30.0, best_step=3, since_best=9, stopped=True)
    run.save(state, ARRAYS, best=False)
    shutil.rmtree(run.checkpoints / "step-00000003")
    assert find_start(run).state == state


@pytest.mark.parametrize("before", ["step-00000003", None])
def test_a_best_checkpoint_that_a_crash_left_without_the_name_gets_it(
    before: str | None, run: RunDirectory
) -> None:
    """After a signal, where validation was due, it is saved a second time."""
    state = State(step=4, best=30.0, best_step=4)
    run.save(state, ARRAYS, best=True)
    pointer = run.checkpoints / "best"
    pointer.write_text(f"{before}\n") if before else pointer.unlink()
    assert find_start(run).state == state
    assert run.named("best") == run.checkpoints / state.name


def test_a_best_checkpoint_that_lost_its_name_gets_it(run: RunDirectory) -> None:
    state = State(step=4, best=30.0, best_step=3, since_best=1)
    run.save(state, ARRAYS, best=False)
    (run.checkpoints / "best").unlink()
    start = find_start(run)
    assert start.state == state
    assert start.remarks == ["the best checkpoint is now step-00000003"]
    run.sweep(1)
    assert run.named("best") == run.checkpoints / "step-00000003"


def test_best_names_no_damaged_checkpoint(run: RunDirectory) -> None:
    for step in (1, 3):  # of 2 the best is 1
        (run.checkpoints / f"step-0000000{step}" / "weights.npz").unlink()
    start = find_start(run)
    assert start.state.step == 2
    assert run.named("best") == run.checkpoints / "step-00000002"


def test_checkpoints_without_a_pointer_are_not_started_over(run: RunDirectory) -> None:
    (run.checkpoints / "last").unlink()
    assert find_start(run).state.step == 3


def test_a_checkpoint_that_was_being_replaced_is_put_back(run: RunDirectory) -> None:
    final = run.checkpoints / "step-00000003"
    # A crash between the two renames of a save.
    shutil.copytree(final, f"{final}.unfinished")
    final.rename(f"{final}.before.unfinished")
    start = find_start(run)
    assert (start.checkpoint, start.remarks) == (final, [])
    assert not list(run.checkpoints.glob("*.unfinished"))


def test_leftovers_of_a_crash_are_swept_at_the_start(run: RunDirectory) -> None:
    (run.checkpoints / "step-00000004.unfinished").mkdir()
    (run.checkpoints / "last.unfinished").write_text("step-0000")
    (run.path / "tokenizer.unfinished").mkdir()
    (run.path / "metrics.jsonl.unfinished").write_text("{")
    (run.path / "corpus.before.unfinished").mkdir()
    others = {
        run.path / "notes.txt",
        run.path / ".output.de.12345.unfinished",  # of nmt translate, at work
        run.path / "output.de.parts.unfinished",
        run.checkpoints / "average-3-step-00000004.unfinished",
    }
    for path in others:
        path.write_text("mine")
    find_start(run)
    assert {*run.path.rglob("*.unfinished")} == others - {run.path / "notes.txt"}
    assert all(path.read_text() == "mine" for path in others)
