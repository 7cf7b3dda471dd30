"""The run directory: checkpoints that are whole or refused, and what may change."""

import errno
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import Toy, ToyRun
from tiny_models import tiny_model

from nmt import saving
from nmt.changes import identity
from nmt.checkpoint import Arrays, State, read_arrays, read_state
from nmt.config import TrainingConfig, dump_config, dump_given, load_config
from nmt.errors import RunError
from nmt.run import STEPS, RunDirectory, open_run
from nmt.starting import train
from nmt.tokenizer import train_tokenizers
from nmt.update import Updater

ARRAYS: dict[str, Arrays] = {
    "weights.npz": {"encoder/matrix": np.arange(6, dtype=np.float32).reshape(2, 3)}
}
SHAPES = {"encoder/matrix": (2, 3)}


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    (tmp_path / "run").mkdir()
    return RunDirectory(tmp_path / "run")


@pytest.fixture
def checkpoint(run: RunDirectory) -> Path:
    run.save(State(step=7), ARRAYS, best=True)
    return run.checkpoints / "step-00000007"


# Checkpoints ----------------------------------------------------------------------


def test_what_is_saved_is_read_back(checkpoint: Path, run: RunDirectory) -> None:
    state = State(step=8, epoch=2, batch=3, best=-0.1, measure="loss x", corpus="abc")
    run.save(state, ARRAYS, best=False)
    assert (run.named("best"), run.named("last")) == (
        checkpoint,
        run.checkpoints / "step-00000008",
    )
    assert read_state(run.checkpoints / "step-00000008") == state
    [(name, array)] = read_arrays(checkpoint / "weights.npz", SHAPES).items()
    np.testing.assert_array_equal(array, ARRAYS["weights.npz"][name], strict=True)


@pytest.mark.parametrize("keep", [1, 2, 3])
def test_the_newest_checkpoints_and_the_best_are_kept(
    keep: int, run: RunDirectory
) -> None:
    for step in range(1, 7):
        state = State(step=step, validated_step=step)
        run.save(state, ARRAYS, best=step == 2)
        run.sweep(keep)
        newest = range(max(1, step - keep + 1), step + 1)
        expected = {f"step-{number:08d}" for number in newest}
        expected |= {"best", "last", "step-00000002"} if step > 1 else {"last"}
        assert {path.name for path in run.checkpoints.iterdir()} == expected


def test_a_checkpoint_between_two_validations_goes_with_the_next_and_counts_for_none(
    run: RunDirectory,
) -> None:
    for step in range(1, 9):
        state = State(step=step, validated_step=step - step % 2)
        run.save(state, ARRAYS, best=step == 2)
        run.sweep(2)
        newest = [even for even in range(2, step + 1, 2)][-2:]
        kept = {path.name for path in run.checkpoints.glob("step-*")}
        assert kept == {f"step-{each:08d}" for each in (*newest, min(step, 2), step)}
    # Nobody can tell what this one was: it counts as the others do.
    (run.checkpoints / "step-00000006" / "state.json").write_text("damaged")
    run.sweep(2)
    assert kept == {path.name for path in run.checkpoints.glob("step-*")}


def test_a_checkpoint_that_is_half_removed_has_no_name(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError

    for step in (1, 2):
        run.save(State(step=step, validated_step=step), ARRAYS, best=True)
    monkeypatch.setattr("shutil.rmtree", refuse)
    run.sweep(1)
    assert [path.name for path in run.checkpoints.glob(STEPS)] == ["step-00000002"]


def test_what_a_crash_left_is_swept_and_what_is_named_stays(run: RunDirectory) -> None:
    run.save(State(step=1, validated_step=1), ARRAYS, best=True)
    # As if a crash had come before the checkpoint was named, before the name was in its
    # place, and before the checkpoint was whole.
    shutil.copytree(
        run.checkpoints / "step-00000001", run.checkpoints / "step-00000009"
    )
    (run.checkpoints / "best.unfinished").write_text("step-0000")
    (run.checkpoints / "step-00000002.unfinished").mkdir()
    run.save(State(step=2), ARRAYS, best=False)
    run.sweep(1)
    kept = {"step-00000001", "step-00000002", "step-00000009"}
    assert {path.name for path in run.checkpoints.glob("step-*")} == kept
    assert {run.named("best"), run.named("last")} == {
        run.checkpoints / "step-00000001",
        run.checkpoints / "step-00000002",
    }


# Opening a run --------------------------------------------------------------------


def test_a_run_opens_wherever_it_was_moved_and_however_it_is_called(
    toy_run: ToyRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = open_run(toy_run.path)
    weights = original.model().parameters.values()
    moved = tmp_path / "moved"
    shutil.copytree(toy_run.path, moved)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(moved)
    best = f"checkpoints/{original.checkpoint.name}"
    names = [moved, "moved", "moved/", "link", f"moved/{best}", moved / best]
    for path in map(Path, names):
        run = open_run(path)
        assert (run.directory.resolve(), run.state) == (moved, original.state)
    monkeypatch.chdir(moved / best)
    here = open_run(Path())
    assert here.directory == moved
    for name, array in here.model().parameters.values().items():
        np.testing.assert_array_equal(array, weights[name])


def test_a_checkpoint_opens_by_its_name_though_another_is_best(
    toy_run: ToyRun, tmp_path: Path
) -> None:
    run = RunDirectory(tmp_path / "run")
    shutil.copytree(toy_run.path, run.path, dirs_exist_ok=True)
    best = open_run(run.path)
    run.save(replace(best.state, step=9999), ARRAYS, best=False)
    assert open_run(run.path).state.step == best.state.step
    assert open_run(run.checkpoints / "step-00009999").state.step == 9999


@pytest.mark.parametrize("path", ["nowhere", "file", "empty"])
def test_what_is_no_run_is_refused_by_name(path: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    (tmp_path / "empty").mkdir()
    with pytest.raises(RunError, match=f"{tmp_path / path}: "):
        open_run(tmp_path / path)


# What may change between two starts -------------------------------------------------


def begin(toy: Toy, run: RunDirectory) -> Path:
    """Makes the run's first start, as far as its tokenizer; gives its config."""
    path = toy.config(run.path)
    config = load_config(path)
    assert run.check(config, State()) == []
    run.write_config(config)
    run.take_tokenizers(config)
    return path


def test_a_change_that_would_make_another_run_is_refused_with_key_old_and_new(
    toy: Toy, run: RunDirectory
) -> None:
    config = begin(toy, run)
    before = run.config.read_bytes()
    changed = ["model.encoder_size=9", "training.seed=2", "training.epochs=4"]
    state = State(step=1, identity=identity(load_config(config)))
    with pytest.raises(RunError) as error:
        run.check(load_config(config, changed), state)
    message = str(error.value)
    assert "model.encoder_size: 6 -> 9" in message
    assert "training.seed: 1 -> 2" in message
    assert "epochs" not in message and "--restart" in message
    # Of a checkpoint from before there was such a key.
    del state.identity["training.start_from"]
    with pytest.raises(RunError, match="training.start_from: null -> another"):
        run.check(load_config(config, ["training.start_from=another"]), state)
    assert run.config.read_bytes() == before


def test_a_change_that_the_run_can_take_is_taken_and_told(
    toy: Toy, run: RunDirectory
) -> None:
    config = begin(toy, run)
    changed = ["training.epochs=4", "training.early_stopping=null", "run_dir=elsewhere"]
    settings = load_config(config, changed)
    state = State(step=1, identity=identity(load_config(config)))
    assert run.check(settings, state) == [
        "training.epochs: 3 -> 4",
        "training.early_stopping.metric: bleu -> null",
        "training.early_stopping.patience: 10 -> null",
    ]
    run.write_config(settings)
    assert load_config(run.config) == settings


def test_whatever_made_the_first_start_fail_may_be_mended(
    toy: Toy, run: RunDirectory
) -> None:
    config = begin(toy, run)
    mended = load_config(config, ["tokenizer.vocab_size=290"])
    [change] = run.check(mended, State())
    assert change.startswith("tokenizer.vocab_size: ") and change.endswith(" -> 290")
    assert run.take_tokenizers(mended).source.vocab_size == 290


def test_a_configuration_that_says_the_same_is_left_as_it_was_written(
    toy: Toy, run: RunDirectory
) -> None:
    config = load_config(begin(toy, run))
    run.config.write_text("# mine\n" + run.config.read_text())
    before = run.config.read_bytes()
    run.write_config(config)
    assert run.config.read_bytes() == before


def test_a_configuration_that_leaves_keys_out_gets_them_and_stays_beside_it(
    toy: Toy, run: RunDirectory
) -> None:
    given = "# mine\n" + toy.config(run.path).read_text()
    run.config.write_text(given)
    config = load_config(run.config)
    kept = run.write_config(config)
    assert kept is not None and kept.read_text() == given
    assert run.config.read_text() == dump_config(config)
    # What the program itself has written, now or when it had fewer keys, is not kept.
    for text in dump_config(config), dump_given(config):
        run.config.write_text(text)
        assert run.write_config(load_config(run.config, ["training.epochs=4"])) is None
        assert load_config(run.config).training.epochs == 4
    run.config.write_text("# again\n" + given)
    again = run.write_config(config)
    assert again is not None and again.read_text() == "# again\n" + given
    assert kept.read_text() == given


def test_what_a_run_may_go_back_to_is_kept_whatever_is_newer(run: RunDirectory) -> None:
    model = tiny_model(1)
    updater = Updater(model, model, TrainingConfig())
    for step, validated, best in ((3, 3, True), (6, 6, False), (8, 6, False)):
        state = State(step=step, validated_step=validated)
        saving.save(run, state, updater, best=best, keep=1)
    found = {checkpoint.name for checkpoint in run.checkpoints.glob("step-*")}
    assert found == {f"step-{step:08d}" for step in (3, 6, 8)}


def test_one_trainer_at_a_time_has_the_directory(toy: Toy, run: RunDirectory) -> None:
    with run.locked():
        with pytest.raises(RunError, match="another nmt train"), run.locked():
            pass
        run.write_config(load_config(toy.config(run.path)))
        with pytest.raises(RunError, match="another nmt train"):
            run.move_aside()
    with run.locked():
        pass


def test_a_file_system_without_locks_is_named(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(stream: object, operation: int) -> None:
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr("fcntl.flock", refuse)
    with pytest.raises(RunError, match="train.lock: cannot be locked"), run.locked():
        pass


def test_the_tokenizer_of_another_run_is_refused(
    toy: Toy, run: RunDirectory, toy_run: ToyRun
) -> None:
    shutil.copytree(toy_run.path, run.path, dirs_exist_ok=True)
    config = load_config(run.config, ["tokenizer.vocab_size=280"])
    train_tokenizers(config.tokenizer, config.data.train).save(run.tokenizer)
    with pytest.raises(RunError, match="not the tokenizer"):
        open_run(run.path)


@pytest.mark.parametrize("content", [b"", b"step-00000099", b"\xff\xfe", b"../secret"])
def test_a_pointer_that_names_no_checkpoint_is_refused_with_those_there_are(
    checkpoint: Path, run: RunDirectory, content: bytes
) -> None:
    (run.checkpoints / "best").write_bytes(content)
    with pytest.raises(RunError, match="here are: step-00000007"):
        run.named("best")


def test_a_run_opens_by_any_name_and_by_its_pointers(
    toy_run: ToyRun, tmp_path: Path
) -> None:
    copy = tmp_path / "checkpoints" / "run"
    shutil.copytree(toy_run.path, copy)
    best = open_run(copy)
    assert best.directory == copy
    by_pointer = open_run(copy / "checkpoints" / "best")
    assert by_pointer.checkpoint.name == best.checkpoint.name
    # On another disk, as large things are.
    (copy / "checkpoints").rename(tmp_path / "large")
    (copy / "checkpoints").symlink_to(tmp_path / "large")
    for name in "best", best.checkpoint.name:
        linked = open_run(copy / "checkpoints" / name)
        assert (linked.directory, linked.state) == (copy, best.state)


def test_a_link_to_a_checkpoint_may_lie_in_a_folder_of_that_name(
    toy_run: ToyRun, tmp_path: Path
) -> None:
    best = open_run(toy_run.path)
    (tmp_path / "checkpoints").mkdir()
    link = tmp_path / "checkpoints" / "de-en"
    link.symlink_to(best.checkpoint.resolve())
    assert open_run(link).state == best.state


def test_a_directory_of_something_else_is_refused_and_left_alone(
    toy: Toy, run: RunDirectory
) -> None:
    config = load_config(toy.config(run.path))
    (run.path / "thesis.tex").write_text("years of work")
    for start in (run.check_place, run.move_aside, lambda: train(config)):
        with pytest.raises(RunError, match="is not empty"):
            start()
    assert [path.name for path in run.path.iterdir()] == ["thesis.tex"]


def test_a_first_start_that_ended_while_it_wrote_its_configuration_may_start_again(
    run: RunDirectory,
) -> None:
    (run.path / "config.yaml.unfinished").write_text("run_dir: ")
    run.check_place()
    assert run.move_aside() is not None


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_a_pointer_that_is_no_file_is_refused(
    make: Callable[[Path], None], checkpoint: Path, run: RunDirectory
) -> None:
    pointer = run.checkpoints / "best"
    pointer.unlink()
    make(pointer)
    with pytest.raises(RunError, match="best: cannot be read"):
        run.named("best")
