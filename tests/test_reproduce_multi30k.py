import json
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent
sys.path.insert(0, str(PROJECT / "scripts"))

import reproduce_multi30k  # noqa: E402

from nmt.config import Config, load_config  # noqa: E402


class Nmt:
    """What would be run, and answers as if it had been."""

    def __init__(self) -> None:
        self.trained: dict[str, Config] = {}  # by the run's name, in order
        self.translated: list[Path] = []
        self.evaluated: list[tuple[str, ...]] = []

    def __call__(self, command: str, *arguments: str) -> str:
        given = dict(zip(arguments, arguments[1:], strict=False))
        if command == "train":
            settings = [argument.removeprefix("--set=") for argument in arguments[1:]]
            config = load_config(Path(arguments[0]), settings)
            # What it reads is there by now.
            for pair in config.data.train:
                for path in pair.source, pair.target:
                    assert path.name in ("train.en", "train.de") or path.exists()
            if config.training.start_from is not None:
                origin = self.trained[config.training.start_from.name]
                assert config.model == origin.model
                assert config.tokenizer == origin.tokenizer
            self.trained[config.run_dir.name] = config
            return ""
        run = Path(given["--ckpt"]).name
        config = self.trained[run]
        if command == "translate":
            assert Path(given["--input"]) == config.data.train[0].source
            Path(given["--output"]).touch()
            self.translated.append(Path(given["--output"]))
            return ""
        assert command == "evaluate"
        assert Path(given["--source"]).suffix[1:] == config.data.source_language
        assert Path(given["--reference"]).suffix[1:] == config.data.target_language
        self.evaluated.append(arguments)
        score = 38.0 + 2 * config.training.seed + run.count("diversified")
        bleu = {"score": score - ("--lowercase" not in arguments), "signature": "s"}
        return json.dumps({"bleu": bleu})


@pytest.fixture
def nmt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Nmt:
    """What stands for `nmt`, in calls for seeds 1 and 2 and fewer epochs."""
    nmt = Nmt()
    monkeypatch.setattr(reproduce_multi30k, "nmt", nmt)
    places = ["--text", str(tmp_path / "text"), "--runs", str(tmp_path)]
    words = [*places, "--seeds", "1", "2", "--set", "training.epochs=3"]
    monkeypatch.setattr(sys, "argv", ["", *words])
    return nmt


def test_each_model_learns_from_the_text_and_then_from_what_both_directions_translate(
    nmt: Nmt, tmp_path: Path
) -> None:
    reproduce_multi30k.main()
    assert set(nmt.trained) == {
        f"multi30k_{pair}{more}-{seed}"
        for pair in ("en_de", "de_en")
        for more in ("", "_diversified")
        for seed in (1, 2)
    }
    text = tmp_path / "text"
    for name, config in nmt.trained.items():
        assert config.training.epochs == 3
        assert name.endswith(f"-{config.training.seed}")
        source, target = config.data.source_language, config.data.target_language
        assert name.startswith(f"multi30k_{source}_{target}")
        assert config.data.validation.target == text / f"val.{target}"
        first, *others = [(pair.source, pair.target) for pair in config.data.train]
        assert first == (text / f"train.{source}", text / f"train.{target}")
        if "diversified" not in name:
            assert config.training.start_from is None
            assert not others
            continue
        assert config.training.start_from == tmp_path / name.replace("_diversified", "")
        back = f"multi30k_{target}_{source}-{config.training.seed}.train.{source}"
        forth = f"multi30k_{source}_{target}-{config.training.seed}.train.{target}"
        assert others == [(tmp_path / back, first[1]), (first[0], tmp_path / forth)]

    # Each text once, though two runs read it; and not again by the next call.
    assert len(nmt.translated) == len(set(nmt.translated)) == 4
    reproduce_multi30k.main()
    assert len(nmt.translated) == 4


def test_a_table_has_each_seeds_scores_their_mean_and_their_deviation(
    nmt: Nmt, capsys: pytest.CaptureFixture[str]
) -> None:
    reproduce_multi30k.main()
    # The sample deviation of 40 and 42 is the root of (1 + 1) / 1.
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in capsys.readouterr().out.splitlines()
        if line.startswith("|")
    ]
    assert [row[0] for row in rows[::6]] == [
        *("en_de", "en_de_diversified"),
        *("de_en", "de_en_diversified"),
    ]
    assert rows[2:6] == [
        ["seed 1", "40.00", "40.00", "39.00"],
        ["seed 2", "42.00", "42.00", "41.00"],
        ["mean", "41.00", "41.00", "40.00"],
        ["deviation", "1.41", "1.41", "1.41"],
    ]
    assert rows[8][1:] == ["41.00", "41.00", "40.00"]
