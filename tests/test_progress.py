"""What a run says: metrics for programs, messages for people, no bar where none is."""

import json
from pathlib import Path

import pytest

from nmt.progress import Progress


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return tmp_path / "metrics.jsonl", tmp_path / "train.log"


def test_metrics_after_the_last_checkpoint_and_cut_short_lines_are_dropped(
    files: tuple[Path, Path],
) -> None:
    metrics, log = files
    with Progress(metrics, log, last_step=0) as progress:
        for step in (1, 2, 3):
            progress.record("train", step=step, loss=0.5)
    whole = metrics.read_text().splitlines(keepends=True)
    metrics.write_text("".join(whole) + '{"kind": "train", "step": 2, "lo')
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


def test_without_a_terminal_there_are_lines_and_no_bar(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    metrics, log = files
    with Progress(metrics, log, last_step=0) as progress:
        progress.begin_epoch(1, 10, 0)
        progress.advance(3)
        progress.show(loss="1.0")
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
        progress.begin_epoch(7, 10, 4)
        progress.say("said")
        progress.note("noted")
    terminal = capsys.readouterr().err
    assert "epoch 7" in terminal and "4/10" in terminal and "said" in terminal
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
