"""An average of checkpoints is their mean, usable as any, and nothing to training."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from conftest import Toy, ToyRun
from training_runs import PLAIN_MODEL

from nmt.cli import main
from nmt.config import load_config
from nmt.run import RunDirectory, open_run
from nmt.starting import train

pytestmark = pytest.mark.usefixtures("no_pictures")


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, list(map(str, arguments)))


@pytest.fixture
def copy(toy_run: ToyRun, tmp_path: Path) -> Path:
    """A run of three checkpoints or more."""
    path = tmp_path / "run"
    shutil.copytree(toy_run.path, path)
    return path


def weights(checkpoint: Path, file: str = "average.npz") -> dict[str, Any]:
    with np.load(checkpoint / file) as arrays:
        return dict(arrays)


def test_it_is_the_mean_of_the_weights_that_translate(copy: Path) -> None:
    names = sorted(path.name for path in (copy / "checkpoints").glob("step-*"))
    assert len(names) >= 2
    result = run("average", copy, "--last", "2")
    assert (result.exit_code, result.stderr) == (0, "")
    made = Path(result.stdout.rstrip("\n"))
    assert made.parent == copy / "checkpoints"
    some = [weights(copy / "checkpoints" / name) for name in names[-2:]]
    for name, mean in weights(made).items():
        expected = np.mean([one[name].astype(np.float64) for one in some], axis=0)
        np.testing.assert_array_equal(mean, expected.astype(np.float32), strict=True)
    # Again, it is the same, though there be one that no validation has seen; and
    # --ckpt takes it.
    state = json.loads((copy / "checkpoints" / names[-1] / "state.json").read_text())
    between = copy / "checkpoints" / "step-99999999"
    shutil.copytree(copy / "checkpoints" / names[-1], between)
    (between / "state.json").write_text(json.dumps(state | {"step": 99999999}))
    assert run("average", copy, "--last", "2").stdout == result.stdout
    used = open_run(made)
    assert used.state.step == int(names[-1].removeprefix("step-"))
    for name, value in used.model().parameters.values().items():
        np.testing.assert_array_equal(value, weights(made)[name])
    translated = CliRunner().invoke(
        main, ["translate", "--ckpt", str(made), "greedy"], input="ba ce\n"
    )
    assert translated.exit_code == 0 and translated.stdout.count("\n") == 1
    # Its last checkpoint's scores are not its own.
    assert "bleu" in run("info", copy / "checkpoints" / names[-1]).stdout
    info = run("info", made).stdout
    assert str(made) in info and "bleu" not in info


def test_training_goes_on_as_if_it_were_not_there(toy: Toy, tmp_path: Path) -> None:
    settings = ["training.keep=2", "training.average=none", *PLAIN_MODEL]
    config = toy.config(tmp_path / "without")
    train(load_config(config, ["training.epochs=2", *settings]))
    shutil.copytree(tmp_path / "without", tmp_path / "with")
    assert run("average", tmp_path / "with").exit_code == 0
    ends = []
    for name in "with", "without":
        overrides = ["training.epochs=3", f"run_dir={tmp_path / name}", *settings]
        train(load_config(config, overrides))
        directory = RunDirectory(tmp_path / name)
        last = directory.named("last")
        assert last is not None
        ends.append(weights(last, "weights.npz"))
        found = {path.name for path in directory.checkpoints.glob("average-*")}
        assert len(found) == (name == "with")
        steps = [path for path in directory.checkpoints.glob("step-*") if path.is_dir()]
        assert len(steps) <= 3
    for weight, value in ends[0].items():
        np.testing.assert_array_equal(value, ends[1][weight])


def test_what_cannot_be_averaged_is_refused_by_name(copy: Path) -> None:
    checkpoints = sorted((copy / "checkpoints").glob("step-*"))
    result = run("average", copy, "--last", "99")
    assert result.exit_code == 1
    assert "99" in result.stderr and checkpoints[-1].name in result.stderr
    assert run("average", copy, "--last", "1").exit_code == 2
    for path in (checkpoints[-1], copy.parent / "nothing"):
        result = run("average", path)
        assert result.exit_code == 1 and str(path) in result.stderr
    damaged = checkpoints[-1] / "average.npz"
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    result = run("average", copy, "--last", "2")
    assert result.exit_code == 1
    assert str(damaged) in result.stderr and "Traceback" not in result.output
    assert not list((copy / "checkpoints").glob("average-*"))
