import json
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent
sys.path.insert(0, str(PROJECT / "scripts"))

import reproduce_multi30k  # noqa: E402

from nmt.config import load_config  # noqa: E402


def test_each_seed_is_trained_scored_and_counted_in_mean_and_deviation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    trained, evaluated = [], []

    def nmt(command: str, *arguments: str) -> str:
        if command == "train":
            settings = [argument.removeprefix("--set=") for argument in arguments[1:]]
            trained.append(load_config(Path(arguments[0]), settings))
            return ""
        evaluated.append(arguments)
        score = {1: 40.0, 2: 42.0}[trained[-1].training.seed]
        bleu = {"score": score - ("--lowercase" not in arguments), "signature": "s"}
        return json.dumps({"bleu": bleu})

    monkeypatch.setattr(reproduce_multi30k, "nmt", nmt)
    words = ["--text", str(tmp_path), "--pairs", "de_en", "--seeds", "1", "2"]
    monkeypatch.setattr(sys, "argv", ["", *words, "--set", "training.epochs=3"])
    reproduce_multi30k.main()

    assert [config.training.seed for config in trained] == [1, 2]
    assert len({config.run_dir for config in trained}) == 2
    for config in trained:
        assert config.training.epochs == 3
        assert config.data.train[0].source == tmp_path / "train.de"
        assert config.data.validation.target == tmp_path / "val.en"
    for arguments in evaluated:
        source = Path(arguments[arguments.index("--source") + 1])
        assert source.suffix == ".de"
    # The sample deviation of 40 and 42 is the root of (1 + 1) / 1.
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in capsys.readouterr().out.splitlines()
        if line.startswith("|")
    ]
    assert rows[2:] == [
        ["seed 1", "40.00", "40.00", "39.00"],
        ["seed 2", "42.00", "42.00", "41.00"],
        ["mean", "41.00", "41.00", "40.00"],
        ["deviation", "1.41", "1.41", "1.41"],
    ]
