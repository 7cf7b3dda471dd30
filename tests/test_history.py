"""metrics.jsonl read back: what was recorded comes back, what is damaged is named."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from conftest import ToyRun

from nmt.errors import RunError
from nmt.history import FIGURES, METRICS, column, read_history
from nmt.progress import Progress


def write(run: Path, *lines: str) -> Path:
    (run / METRICS).write_text("".join(lines))
    return run


def test_what_a_training_records_comes_back(tmp_path: Path) -> None:
    with Progress(tmp_path / METRICS, tmp_path / "log", last_step=0) as progress:
        progress.record("train", step=50, loss=2.5, epoch=1)
        progress.record("validation", step=50, loss=2.0, bleu=3.0, best=True)
        progress.record("train", step=100, loss=float("nan"), epoch=2)
        progress.record("validation", step=100, loss=1.0, bleu=4.0, best=True)
        progress.record("validation", step=150, loss=1.5, bleu=2.0, best=False)
    history = read_history(tmp_path)
    np.testing.assert_array_equal(column(history.train, "step"), [50, 100])
    np.testing.assert_array_equal(column(history.train, "loss"), [2.5, np.nan])
    np.testing.assert_array_equal(column(history.validation, "bleu"), [3, 4, 2])
    assert np.isnan(column(history.validation, "chrf")).all()
    assert history.best is not None and history.best["step"] == 100


def test_a_run_says_when_and_where_it_was_started(toy_run: ToyRun) -> None:
    [start] = read_history(toy_run.path).starts
    assert start["step"] == 0 and start["cores"] >= 1 and start["processor"]
    age = datetime.now(UTC) - datetime.fromisoformat(start["time"])
    assert timedelta(seconds=-1) < age < timedelta(hours=1)


def test_half_a_last_line_and_kinds_of_later_versions_are_left_out(
    tmp_path: Path,
) -> None:
    whole = '{"kind": "train", "step": 1, "loss": 2}\n'
    other = '{"kind": "average", "step": 1, "of": [1, 2]}\n'
    history = read_history(write(tmp_path, whole, other, '{"kind": "train", "st'))
    assert history.train == [{"kind": "train", "step": 1, "loss": 2}]
    assert history.validation == [] and history.best is None


@pytest.mark.parametrize(
    "line",
    ["{}", "[1]", "12", "null", "half {", '{"kind": "train"}', "\udcff"]
    + [f'{{"kind": "train", "step": {step}}}' for step in ("null", "-1", '"2"')]
    + ['{"kind": "train", "step": 2, "loss": "low"}', '{"kind": [], "step": 2}']
    + ['{"kind": "start", "step": Infinity}', '{"kind": "train", "step": 1.5}']
    + ['{"kind": "start", "step": 2, "memory": NaN}', "[" * 100_000]
    + ['{"kind": "start", "step": 2, "memory": 1e999}']
    + ['{"kind": "train", "step": ' + "9" * 400 + "}"],
)
def test_a_damaged_line_is_named(line: str, tmp_path: Path) -> None:
    whole = b'{"kind": "train", "step": 1}\n'
    damaged = line.encode("utf-8", "surrogateescape")
    (tmp_path / METRICS).write_bytes(whole + damaged + b"\n" + whole)
    with pytest.raises(RunError, match=rf"{METRICS}:2: not a line of metrics"):
        read_history(tmp_path)


def test_a_run_without_records_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no such file; expected a run directory"):
        read_history(tmp_path / "none")
    with pytest.raises(RunError, match="holds no record yet"):
        read_history(write(tmp_path))
    with pytest.raises(RunError, match="holds no record yet"):
        read_history(write(tmp_path, '{"kind": "tra'))


def test_the_figures_are_those_that_a_training_records(toy_run: ToyRun) -> None:
    history = read_history(toy_run.path)
    for kind, records in ("train", history.train), ("validation", history.validation):
        for record in records:
            assert set(FIGURES[kind]) < set(record)
