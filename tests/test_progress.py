"""What a run says: metrics for programs, messages for people, no bar where none is."""

import json
import os
import shutil
from pathlib import Path

import pytest
from conftest import needs_full_disk

from nmt.errors import RunError
from nmt.progress import Progress


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return tmp_path / "metrics.jsonl", tmp_path / "train.log"


@pytest.mark.parametrize(
    "cut_short",
    ['{"kind": "train", "step": 2, "lo', '{"kind": "train", "step": 2, "loss": 0.5}'],
)
def test_metrics_after_the_last_checkpoint_and_cut_short_lines_are_dropped(
    files: tuple[Path, Path], cut_short: str
) -> None:
    metrics, log = files
    with Progress(metrics, log, last_step=0) as progress:
        for step in (1, 2, 3):
            progress.record("train", step=step, loss=0.5)
    whole = metrics.read_text().splitlines(keepends=True)
    metrics.write_text("".join(whole) + cut_short)
    with Progress(metrics, log, last_step=2) as progress:
        assert metrics.read_text() == "".join(whole[:2])
        progress.record("train", step=3, loss=0.25)
    steps = [json.loads(line)["step"] for line in metrics.read_text().splitlines()]
    assert steps == [1, 2, 3]


def test_every_record_is_strict_json_on_disk_at_once(files: tuple[Path, Path]) -> None:
    metrics, log = files
    with Progress(metrics, log, last_step=0) as progress:
        progress.record("train", step=1, loss=float("nan"), gradient_norm=float("inf"))

        def refuse(constant: str) -> None:
            pytest.fail(f"{constant} is not JSON")

        record = json.loads(metrics.read_text(), parse_constant=refuse)
    assert record == {"kind": "train", "step": 1, "loss": None, "gradient_norm": None}


def test_what_ends_a_run_is_in_its_log_and_left_to_others_to_say(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    metrics, log = files
    for error in (RunError("run: no room"), ValueError("unforeseen")):
        with (
            pytest.raises(type(error)),
            Progress(metrics, log, last_step=0) as progress,
        ):
            progress.say("said")
            raise error
    assert capsys.readouterr().err == "said\n" * 2
    first, ended, second, unforeseen, *trace = log.read_text().splitlines()
    assert ended.endswith(" failed: run: no room")
    assert unforeseen.endswith(" failed: unforeseen")
    assert (trace[0], trace[-1]) == (
        "Traceback (most recent call last):",
        "ValueError: unforeseen",
    )


def test_without_a_terminal_there_are_lines_and_no_bar(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    metrics, log = files
    with Progress(metrics, log, last_step=0) as progress:
        progress.begin_epoch("epoch 1", 10, 0)
        progress.advance(3)
        progress.show("loss 1.0")
        progress.say("said, \u00fcber")
        progress.note("noted")
        progress.end_epoch()
    assert capsys.readouterr() == ("", "said, \u00fcber\nnoted\n")
    # Each line of the log has a date, a time and the message.
    logged = [line.split(" ", 2)[2] for line in log.read_text("utf-8").splitlines()]
    assert logged == ["said, \u00fcber", "noted"]


def test_on_a_terminal_there_is_a_bar_and_no_notes_and_the_log_has_no_bar(
    files: tuple[Path, Path],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    metrics, log = files
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with Progress(metrics, log, last_step=0) as progress:
        progress.begin_epoch("epoch 7", 10, 4)
        progress.say("said")
        progress.note("noted")
    terminal = capsys.readouterr().err
    assert "epoch 7  40%" in terminal and "said" in terminal
    assert "noted" not in terminal
    assert "noted" in log.read_text() and "epoch 7" not in log.read_text()


def test_messages_go_nowhere_after_the_end(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    metrics, log = files
    for _ in range(2):  # a second run in one process has no handlers of the first
        with Progress(metrics, log, last_step=0) as progress:
            progress.say("said")
        assert capsys.readouterr().err == "said\n"
    assert len(log.read_text().splitlines()) == 2


def test_each_kind_of_metrics_is_dropped_after_its_own_last_step(
    files: tuple[Path, Path],
) -> None:
    metrics, log = files
    with Progress(metrics, log, last_step=0) as progress:
        for kind in ("train", "skipped", "validation", "start"):
            for step in (4, 5, 6):
                progress.record(kind, step=step)
    last_steps = {"train": 4, "validation": 3}
    with Progress(metrics, log, last_step=5, last_steps=last_steps):
        lines = [json.loads(line) for line in metrics.read_text().splitlines()]
    assert [(line["kind"], line["step"]) for line in lines] == [
        ("train", 4),
        ("skipped", 4),
        ("skipped", 5),
        *[("start", step) for step in (4, 5, 6)],
    ]


@needs_full_disk
def test_a_full_disk_is_one_message_with_the_file_and_the_remedy(
    tmp_path: Path,
) -> None:
    full = Path("/dev/full")
    with (
        pytest.raises(RunError, match="/dev/full: cannot be written.*make room"),
        Progress(tmp_path / "metrics.jsonl", full, last_step=0) as progress,
    ):
        progress.say("no room for this")
    with Progress(tmp_path / "metrics", tmp_path / "log", last_step=0) as progress:
        progress._path = full
        with pytest.raises(RunError, match="/dev/full: cannot be written.*make room"):
            progress.record("train", step=1)


def test_a_run_directory_that_is_gone_is_told_and_not_made_again(
    tmp_path: Path,
) -> None:
    path = tmp_path / "run"
    path.mkdir()
    with Progress(path / "metrics.jsonl", path / "log", last_step=0) as progress:
        shutil.rmtree(path)
        with pytest.raises(RunError, match="metrics.jsonl.*removed meanwhile"):
            progress.record("train", step=1)
    assert not path.exists()


def test_a_terminal_that_is_gone_stops_nothing(
    files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as broken:
        monkeypatch.setattr("sys.stderr", broken)
        with Progress(*files, last_step=0) as progress:
            progress.say("said")
        # What the stream still holds cannot be written by closing it either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), broken.fileno())
    assert "said" in files[1].read_text()
