"""`nmt plot`: from run directories to a picture, without TensorFlow."""

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result
from conftest import ToyRun

from nmt.cli import main
from nmt.history import METRICS


def plot(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["plot", *map(str, arguments)])


def test_runs_are_drawn_under_their_names_without_tensorflow(
    toy_run: ToyRun, tmp_path: Path
) -> None:
    other = tmp_path / "elsewhere" / "toy"
    other.mkdir(parents=True)
    (other / METRICS).write_bytes((toy_run.path / METRICS).read_bytes())
    program = (
        "import sys; from nmt.cli import main; main(sys.argv[1:], standalone_mode=0); "
        "assert 'tensorflow' not in sys.modules"
    )
    picture = tmp_path / "curves.svg"
    subprocess.run(
        [sys.executable, "-c", program, "plot", toy_run.path, "--output", picture],
        check=True,
    )
    assert f">{toy_run.path.name} (best: BLEU" in picture.read_text()
    # Of runs with one name the paths tell which is which; a run is drawn once.
    result = plot(toy_run.path, other, other, "--output", picture)
    assert (result.exit_code, result.output) == (0, "")
    assert picture.read_text().count(" (best: BLEU") == 2
    assert f">{other} (best: BLEU" in picture.read_text()


@pytest.mark.skipif(sys.platform == "darwin", reason="its file names are UTF-8")
def test_runs_whose_names_are_no_text_are_drawn_and_told_apart(tmp_path: Path) -> None:
    runs = [tmp_path / os.fsdecode(name) for name in (b"run\xff", b"run\xfe", b"run\1")]
    for run in runs:
        run.mkdir()
        (run / METRICS).write_text('{"kind": "train", "step": 50, "loss": 2.0}\n')
    picture = tmp_path / "curves.svg"
    result = plot(*runs, "--output", picture)
    assert (result.exit_code, result.output) == (0, "")
    ElementTree.fromstring(picture.read_text())
    for name in ("run\\xff", "run\\xfe", "run\\x01"):
        assert f">{name}<" in picture.read_text()


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        (None, "no such file; expected a run directory"),
        ("", "holds no record yet"),
        ("damaged\n", f"{METRICS}:1: not a line of metrics"),
    ],
)
def test_a_run_without_usable_metrics_is_one_sentence_and_no_picture(
    metrics: str | None, message: str, tmp_path: Path
) -> None:
    if metrics is not None:
        (tmp_path / METRICS).write_text(metrics)
    result = plot(tmp_path, "--output", tmp_path / "curves.png")
    assert result.exit_code == 1
    assert message in result.stderr and result.stderr.count("\n") == 1
    assert not (tmp_path / "curves.png").exists()


def test_a_name_that_says_no_format_is_refused(toy_run: ToyRun, tmp_path: Path) -> None:
    result = plot(toy_run.path, "--output", tmp_path / "curves.jpeg")
    assert result.exit_code == 2 and ".png, .svg, .pdf" in result.stderr
