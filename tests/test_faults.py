"""The table of faults is true: its tests exist; disks fill up and nothing is lost."""

import errno
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Toy
from training_runs import PLAIN_MODEL, nmt_train

from nmt.config import load_config

PROJECT = Path(__file__).parent.parent
TABLE = PROJECT / "docs" / "faults.md"


def rows() -> list[str]:
    text = TABLE.read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line.startswith("| ")][1:]


def test_every_fault_has_a_test_or_a_script_that_exists() -> None:
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    assert f"{len(rows())} things that go wrong" in readme
    for row in rows():
        shown = re.findall(r"`(test_\w+\.py)::(test_\w+)`", row)
        scripts = re.findall(r"`(scripts/\w+)", row)
        assert shown or scripts, row
        for file, name in shown:
            source = (PROJECT / "tests" / file).read_text(encoding="utf-8")
            assert f"def {name}(" in source, f"{file}::{name}"
        for script in scripts:
            assert (PROJECT / script).is_file(), script


def train(*arguments: str, most_bytes: int) -> tuple[int, str]:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))

    process = subprocess.run(
        [sys.executable, "-m", "nmt", "train", *arguments],
        capture_output=True,
        text=True,
        preexec_fn=limit,  # noqa: PLW1509
    )
    return process.returncode, process.stderr


@pytest.mark.usefixtures("no_pictures")
def test_a_disk_that_is_full_is_told_and_all_that_was_saved_stays(
    toy: Toy, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    config = [str(toy.config(run)), *(f"--set={plain}" for plain in PLAIN_MODEL)]
    assert nmt_train(*config, "--set=training.steps=1").exit_code == 0
    checkpoint = run / "checkpoints" / "step-00000001"
    before = {file: file.read_bytes() for file in checkpoint.iterdir()}
    # No file can be larger: what a full disk looks like from within.
    code, said = train(*config, "--set=training.steps=2", most_bytes=3000)
    assert code == 1, said
    assert "File too large" in said and str(run) in said and "Traceback" not in said
    assert {file: file.read_bytes() for file in checkpoint.iterdir()} == before
    assert (run / "checkpoints" / "last").read_text() == "step-00000001\n"
    result = nmt_train(*config, "--set=training.steps=2")
    assert result.exit_code == 0 and "going on after step 1" in result.stderr


def test_a_disk_that_fills_up_while_text_is_encoded_names_the_corpus(
    toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nmt import corpus, opening
    from nmt.errors import RunError
    from nmt.parallel_text import load_pairs
    from nmt.recovery import Start
    from nmt.run import RunDirectory

    def full(self: object, sequences: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(corpus.SequencesWriter, "append", full)
    config = load_config(toy.config(tmp_path / "run"))
    run = RunDirectory(config.run_dir)
    run.path.mkdir()
    with pytest.raises(RunError) as error:
        opening.open_training(
            config,
            run,
            Start(),
            opening.Inputs(load_pairs(config.data.validation)),
            {"parts": 1},
        )
    assert str(run.corpus) in str(error.value) and "make room" in str(error.value)


def test_an_output_in_a_missing_directory_is_told(tmp_path: Path) -> None:
    from nmt.errors import DataError
    from nmt.text import write_whole

    path = tmp_path / "none" / "output.de"
    with pytest.raises(DataError, match=f"{path}: cannot be written"):
        with write_whole(path):
            pass
    assert not path.parent.exists()
