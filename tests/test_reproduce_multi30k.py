import json
import os
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent
sys.path.insert(0, str(PROJECT / "scripts"))

import reproduce_multi30k  # noqa: E402

from nmt.config import Config, load_config  # noqa: E402

PARTS = {"train": 0, "val": 5, "test_2016_flickr": 0}  # and what each adds to a score


class Nmt:
    """What would be run, and answers as if it had been."""

    def __init__(self) -> None:
        self.trained: dict[str, Config] = {}  # by the run's name
        self.translated: list[str] = []

    def __call__(self, command: str, *arguments: str) -> str:
        return getattr(self, command)(arguments)

    def train(self, arguments: tuple[str, ...]) -> str:
        settings = [argument.removeprefix("--set=") for argument in arguments[1:]]
        config = load_config(Path(arguments[0]), settings)
        for pair in config.data.train:
            assert pair.source.exists() and pair.target.exists()
        if (path := config.training.start_from) is not None:
            assert path.is_absolute()
            origin = self.trained[path.name]
            assert config.model == origin.model
            assert config.tokenizer == origin.tokenizer
        self.trained[config.run_dir.name] = config
        checkpoints = config.run_dir / "checkpoints"
        checkpoints.mkdir(parents=True, exist_ok=True)
        if not (checkpoints / "best").exists():  # a run that has ended stays as it is
            (checkpoints / "best").touch()
        return ""

    def translate(self, arguments: tuple[str, ...]) -> str:
        given = options(arguments)
        run = Path(given["--ckpt"]).name
        config = self.trained[run]
        assert Path(given["--input"]) == config.data.train[0].source
        output = Path(given["--output"])
        assert output.name == f"{run}.train.{config.data.target_language}"
        assert arguments[-3:] == ("beam", "--length-penalty", "1.4")
        output.write_text("")
        os.utime(output, (later := output.stat().st_mtime + 1, later))
        self.translated.append(output.name)
        return ""

    def evaluate(self, arguments: tuple[str, ...]) -> str:
        given = options(arguments)
        run = Path(given["--ckpt"]).name
        data = self.trained[run].data
        source, reference = Path(given["--source"]), Path(given["--reference"])
        assert source.suffix == f".{data.source_language}"
        assert reference.suffix == f".{data.target_language}"
        assert source.stem == reference.stem
        score = 38.0 + 2 * int(run[-1]) + run.count("diversified") + PARTS[source.stem]
        bleu = {"score": score - ("--lowercase" not in arguments), "signature": "s"}
        return json.dumps({"bleu": bleu})


def options(arguments: tuple[str, ...]) -> dict[str, str]:
    return dict(zip(arguments, arguments[1:], strict=False))


@pytest.fixture
def nmt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Nmt:
    """What stands for `nmt`, in calls for seeds 1 and 2 with settings of their own."""
    nmt = Nmt()
    monkeypatch.setattr(reproduce_multi30k, "nmt", nmt)
    monkeypatch.chdir(tmp_path)
    Path("text").mkdir()
    for part in PARTS:
        for language in ("en", "de"):
            (tmp_path / "text" / f"{part}.{language}").touch()
    words = ["--text", "text", "--runs", "runs", "--seeds", "1", "2"]
    words += ["--set", "training.batch_size=32"]
    words += ["--set-diversified", "training.learning_rate=0.5"]
    monkeypatch.setattr(sys, "argv", ["", *words])
    return nmt


@pytest.mark.parametrize("seeds", [(1, 2), (2,)])
def test_each_model_learns_from_the_text_and_one_then_from_what_all_of_them_translate(
    seeds: tuple[int, ...], nmt: Nmt
) -> None:
    if len(seeds) == 1:
        sys.argv.remove("1")
    reproduce_multi30k.main()
    assert set(nmt.trained) == {
        f"multi30k_{name}-{seed}"
        for name in ("en_de", "de_en", "en_de_diversified")
        for seed in seeds
    }
    text, runs = Path("text"), Path("runs")
    for name, config in nmt.trained.items():
        seed = config.training.seed
        assert name.endswith(f"-{seed}")
        source, target = config.data.source_language, config.data.target_language
        assert name.startswith(f"multi30k_{source}_{target}")
        assert config.data.validation.target == text / f"val.{target}"
        first, *others = [(pair.source, pair.target) for pair in config.data.train]
        assert first == (text / f"train.{source}", text / f"train.{target}")
        if "diversified" not in name:
            assert config.training.batch_size == 32
            assert config.training.start_from is None
            assert not others
            continue
        assert config.training.learning_rate == 0.5
        assert config.training.epochs == (2 if len(seeds) == 1 else 1)
        origin = runs / name.replace("_diversified", "")
        assert config.training.start_from == origin.resolve()
        assert others == [
            *((runs / f"multi30k_de_en-{each}.train.en", first[1]) for each in seeds),
            *((first[0], runs / f"multi30k_en_de-{each}.train.de") for each in seeds),
        ]


def test_a_text_is_translated_once_and_again_where_the_run_has_a_better_checkpoint(
    nmt: Nmt,
) -> None:
    reproduce_multi30k.main()
    assert len(nmt.translated) == len(set(nmt.translated)) == 4
    reproduce_multi30k.main()
    assert len(nmt.translated) == 4
    os.utime("runs/multi30k_de_en-2.train.en", (0, 0))  # long before that checkpoint
    reproduce_multi30k.main()
    assert nmt.translated[4:] == ["multi30k_de_en-2.train.en"]


def test_text_that_is_not_there_is_told_before_anything_is_trained(nmt: Nmt) -> None:
    Path("text/test_2016_flickr.de").unlink()
    with pytest.raises(SystemExit, match=r"text/test_2016_flickr\.de: no such file"):
        reproduce_multi30k.main()
    assert not nmt.trained


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
    assert [row[0] for row in rows[::6]] == ["en_de", "de_en", "en_de_diversified"]
    assert rows[2:6] == [
        ["seed 1", "45.00", "40.00", "39.00"],
        ["seed 2", "47.00", "42.00", "41.00"],
        ["mean", "46.00", "41.00", "40.00"],
        ["deviation", "1.41", "1.41", "1.41"],
    ]
    assert rows[14][1:] == ["46.00", "41.00", "40.00"]
