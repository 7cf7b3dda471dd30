"""`nmt report`: the page holds what the run holds, and names what is missing."""

import base64
import json
import re
import shutil
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sacrebleu
from click.testing import CliRunner, Result
from conftest import Toy, ToyRun

from nmt import report
from nmt.cli import main
from nmt.config import load_config
from nmt.report import MOST_POINTS, gather, make_page
from nmt.translator import Translator


@pytest.fixture(scope="module")
def facts(toy_run: ToyRun) -> Any:
    return gather(toy_run.path, 5)


@pytest.fixture
def moved(toy_run: ToyRun, tmp_path: Path) -> Path:
    """A copy of the run, to take something away from."""
    return Path(shutil.copytree(toy_run.path, tmp_path / "moved"))


def run_report(*arguments: Path | str) -> Result:
    return CliRunner().invoke(main, ["report", *map(str, arguments)])


def facts_in(page: str) -> Any:
    [block] = re.findall(r'id="facts">(.*?)</script>', page, re.DOTALL)
    return json.loads(block)


def test_the_page_is_one_file_with_all_the_facts(
    facts: Any, toy_run: ToyRun, tmp_path: Path
) -> None:
    output = tmp_path / "report.html"
    result = run_report(toy_run.path, "--output", output, "--attention", "5")
    assert (result.exit_code, result.output) == (0, "")
    page = output.read_text()
    shown = facts_in(page)
    assert shown == {**json.loads(json.dumps(facts)), "made": shown["made"]}
    assert not re.findall(r"\$[a-z]+\b", page.split("<style>")[0])
    assert "<title>toy: report</title>" in page


def test_the_page_refers_to_nothing_outside_of_it() -> None:
    page = resources.files("nmt") / "page"
    for file in page.iterdir():
        text = file.read_text()
        assert set(re.findall(r"https?://[^\"]*", text)) <= {
            "http://www.w3.org/2000/svg"  # a name, which nothing is loaded from
        }
        assert not re.search(r"(?i)@import|url\(|\bsrc=|<link|fetch\(|import ", text)


def test_sentences_and_scores_are_those_of_the_best_checkpoint(
    facts: Any, toy: Toy, toy_run: ToyRun
) -> None:
    best = (toy_run.path / "checkpoints" / "best").read_text().strip()
    translations = (toy_run.path / "validation" / f"{best}.txt").read_text()
    sources, references, translated, chrf = zip(*facts["sentences"], strict=True)
    assert list(sources) == toy.lines("validation.source")
    assert list(references) == toy.lines("validation.target")
    assert list(translated) == translations.splitlines()
    expected = [
        sacrebleu.sentence_chrf(one, [reference]).score
        for one, reference in zip(translated, references, strict=True)
    ]
    np.testing.assert_allclose(chrf, expected, atol=0.05)
    validation = facts["history"]["validation"]
    at = validation["step"].index(facts["step"])
    assert facts["step"] == facts["history"]["best"] == int(best[5:])
    for (name, value, signature), recorded in zip(
        facts["scores"]["list"], (validation["bleu"], validation["chrf"]), strict=True
    ):
        assert value == pytest.approx(recorded[at]), name
        assert signature.startswith("nrefs:1|case:mixed")
    assert facts["scores"]["recorded"] is None
    assert facts["missing"] == {}


def test_attention_is_that_of_the_worst_and_the_best(
    facts: Any, toy_run: ToyRun
) -> None:
    chrf = [sentence[3] for sentence in facts["sentences"]]
    shown = sorted(chrf[int(number)] for number in facts["attention"])
    assert shown == sorted(chrf)[:5] + sorted(chrf)[-5:]
    for number, view in facts["attention"].items():
        source, _, translation, value = facts["sentences"][int(number)]
        assert "".join(view["source"]) == source
        assert "".join(view["target"]) == translation
        assert view["source"][1::2] == source.split()
        assert view["target"][1::2] == translation.split()
        flat = np.frombuffer(base64.b64decode(view["weights"]), np.uint8) / 255
        shares = flat.reshape(len(translation.split()), len(source.split()) + 1)
        np.testing.assert_allclose(shares.sum(1), 1, atol=0.5 / 255 * shares.shape[1])
        if value == 100:  # the task is to say the words in reverse order
            looked_at = shares[:, :-1].argmax(1)
            assert looked_at.tolist() == [*range(len(looked_at))][::-1]


def test_odd_sentences_have_attention_where_there_is_something_to_look_at(
    toy_run: ToyRun,
) -> None:
    dog = "\N{DOG}"
    texts = [(f"ba {dog} ce", f"ce {dog}  ba\u2028"), ("", ""), ("ba", ""), ("", "ba")]
    texts += [("ba " * 120, "ba " * 120), (dog, "ba")]
    sentences = [(source, "", target, 0.0) for source, target in texts]
    views = report._attention(report._Opened(toy_run.path), sentences, 9)
    assert "0" in views and not {"1", "2", "3", "4"} & set(views)
    for number, view in views.items():
        source, target = texts[int(number)]
        assert ("".join(view["source"]), "".join(view["target"])) == (source, target)


def test_of_what_is_not_read_no_subword_has_attention(toy_run: ToyRun) -> None:
    sources = ["bacedifogu" * 9, " ", "\N{DOG}"]
    assert not report._has_words(sources)
    sentences = [(source, "", "ba", 0.0) for source in sources]
    views = report._attention(report._Opened(toy_run.path), sentences, 9)
    assert set(views) == {"0"}


def test_text_without_blanks_is_cut_into_subwords() -> None:
    assert report._has_words(["ein Hund rennt", "", "Donaudampfschifffahrt tut"])
    assert not report._has_words(
        ["他们在公园里踢足球，很高兴。", "一只狗在雪地里奔跑着去玩。 好"]
    )


def test_what_was_trained_on_what(facts: Any, toy_run: ToyRun) -> None:
    translator = Translator.open(toy_run.path)
    variables = translator.model.trainable_variables
    count = sum(int(np.prod(variable.shape)) for variable in variables)
    assert sum(part for _, part in facts["model"]["parameters"]) == count
    corpus = facts["corpus"]
    assert (corpus["pairs"], corpus["left_out"]) == (1500, [])
    lines = [
        side["lines"] for pair in facts["files"]["pairs"] for side in pair["sides"]
    ]
    assert lines == [1500, 1500, 40, 40]
    words = [
        side["words"] for pair in facts["files"]["pairs"] for side in pair["sides"]
    ]
    assert words[0] == words[1] and 2 < words[0] < 6
    config = load_config(toy_run.path / "config.yaml")
    settings = {
        f"{section}.{key}": (value, changed)
        for section, keys in facts["settings"].items()
        for key, value, changed in keys
    }
    assert settings["data.train.1.source"] == (str(config.data.train[0].source), False)
    assert settings["model.decoder_size"] == ("48", True)
    assert settings["model.dropout.source"] == ("0.0", True)
    assert settings["model.attention"] == ("additive", False)
    assert settings["training.batch_tokens"] == ("null", False)
    assert settings["training.early_stopping.metric"] == ("bleu", False)


def test_a_long_curve_is_thinned_to_means() -> None:
    records = [
        {"kind": "train", "step": 50 * number, "loss": float(number)}
        for number in range(1, 3 * MOST_POINTS + 1)
    ]
    records[7]["loss"] = None
    thinned = report._columns(report._thinned(records), "loss")
    assert thinned["step"] == [150 * place for place in range(1, MOST_POINTS + 1)]
    expected: list[float | None] = [3.0 * place - 1 for place in range(1, 501)]
    expected[2] = None
    assert thinned["loss"] == expected
    assert report._thinned(records[:MOST_POINTS]) == records[:MOST_POINTS]


def take_away(name: str) -> Callable[[Path], None]:
    def take(run: Path) -> None:
        path = run / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    return take


def cut_metrics(run: Path) -> None:
    (run / "metrics.jsonl").write_bytes(b'{"kind": "train", "step"')


def damage_metrics(run: Path) -> None:
    (run / "metrics.jsonl").write_text("no line of metrics\n")


def damage_weights(run: Path) -> None:
    for weights in run.glob("checkpoints/*/average.npz"):
        weights.write_bytes(b"no weights")


def move_text(run: Path) -> None:
    config = run / "config.yaml"
    config.write_text(config.read_text().replace("validation.source", "gone.source"))


def cut_translations(run: Path) -> None:
    for file in (run / "validation").iterdir():
        file.write_text("one line\n")


@pytest.mark.parametrize(
    ("change", "missing", "reason"),
    [
        (take_away("metrics.jsonl"), {"history"}, "no such file"),
        (cut_metrics, {"history"}, "holds no record yet"),
        (damage_metrics, {"history"}, "metrics.jsonl:1: not a line of metrics"),
        (take_away("corpus"), {"corpus"}, "cannot be counted"),
        (take_away("checkpoints"), {"model"}, "holds no checkpoint"),
        (damage_weights, {"model"}, "damaged"),
        (take_away("tokenizer"), {"model"}, "tokenizer"),
        (take_away("validation"), {"sentences"}, "no such file"),
        (move_text, {"sentences"}, "gone.source: no such file"),
        (cut_translations, {"sentences"}, "1 translations and .* 40 sentences"),
    ],
)
def test_a_missing_part_is_left_out_and_named(
    change: Callable[[Path], None], missing: set[str], reason: str, moved: Path
) -> None:
    change(moved)
    facts = gather(moved, 2)
    assert set(facts["missing"]) == missing
    [named] = missing
    assert facts[named] is None and re.search(reason, facts["missing"][named])
    if named != "history":
        assert facts["history"]["validation"]["bleu"]
    if named in ("model", "sentences"):
        assert facts["attention"] is None
    else:
        assert facts["scores"] and facts["attention"]
    assert facts_in(make_page(facts))["missing"] == facts["missing"]


def test_a_run_that_was_just_begun_has_a_page(moved: Path) -> None:
    for name in ("checkpoints", "metrics.jsonl", "corpus", "validation", "tokenizer"):
        take_away(name)(moved)
    facts = gather(moved, 2)
    assert set(facts["missing"]) == {"history", "model", "corpus", "sentences"}
    assert facts["files"]["pairs"] and facts["settings"]["model"]


def test_other_text_than_in_training_is_told_by_its_score(
    moved: Path, tmp_path: Path
) -> None:
    config = moved / "config.yaml"
    words = load_config(config).data.validation.target.read_text()
    (tmp_path / "other").write_text(words.replace("ba", "mu"))
    text = re.sub(r"\S*validation\.target", str(tmp_path / "other"), config.read_text())
    config.write_text(text)
    facts = gather(moved, 0)
    validation = facts["history"]["validation"]
    recorded = dict(zip(validation["step"], validation["bleu"], strict=True))
    assert facts["scores"]["recorded"] == recorded[facts["step"]]
    assert facts["attention"] == {}


def test_where_there_is_no_run_one_sentence_says_so(tmp_path: Path) -> None:
    output = tmp_path / "report.html"
    for path in (tmp_path / "none", tmp_path):
        result = run_report(path, "--output", output)
        assert result.exit_code == 1
        assert re.fullmatch(
            r"Error: .*: not a usable run directory: .*\n", result.output
        )
    assert list(tmp_path.iterdir()) == []


def test_a_page_that_cannot_be_written_is_told_before_the_work(
    toy_run: ToyRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "gather", lambda *_: pytest.fail("too early"))
    (folder := tmp_path / "folder.html").mkdir()
    for output in (folder, tmp_path / "none" / "report.html"):
        result = run_report(toy_run.path, "--output", output)
        assert result.exit_code == 1
        assert re.fullmatch(rf"Error: {output}: .*\n", result.output)


def test_no_text_can_end_the_block_that_it_is_in(facts: Any) -> None:
    harm = "</script><!-- <script> ]]> $title \u2028 \0 \\ \" '"
    page = make_page(
        {**facts, "name": "</title>&$x", "sentences": [[harm, harm, harm, 0.0]]}
    )
    assert facts_in(page)["sentences"] == [[harm, harm, harm, 0.0]]
    assert page.count("</script") == page.count("<script") == 2
    assert page.count("</title") == 1 and "&lt;/title&gt;&amp;$x" in page
