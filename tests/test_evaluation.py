"""Scores are sacreBLEU's own, and mean what the papers' formulas say."""

import json
import logging
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from nmt.errors import DataError, NmtError
from nmt.evaluation import quick, require_tokenizer, score

REFERENCES = ["the cat sat on the mat", "A dog ran .", "Nothing here, is it?"]
HYPOTHESES = ["the cat sat on the mat today", "a dog runs .", "Nothing is here, it?"]
OTHERS = ["the cat is sitting on a mat today", "A dog runs", "Is there nothing here?"]


def test_bleu_is_the_geometric_mean_of_the_precisions() -> None:
    # One word too many at the end: precisions 6/7, 5/6, 4/5, 3/4, no brevity penalty.
    result = quick(HYPOTHESES[:1], REFERENCES[:1])
    assert result.bleu.value == pytest.approx(100 * (3 / 7) ** (1 / 4))


def test_a_short_translation_pays_the_brevity_penalty() -> None:
    # Every n-gram is right; 5 words for 6: exp(1 - 6/5), Papineni et al. 2002.
    result = quick(["the cat sat on the"], REFERENCES[:1])
    assert result.bleu.value == pytest.approx(100 * 2.718281828459045 ** (1 - 6 / 5))


def test_chrf_is_the_f2_of_character_ngrams() -> None:
    def ngrams(text: str, order: int) -> Counter[str]:
        text = text.replace(" ", "")
        return Counter(text[i : i + order] for i in range(len(text) - order + 1))

    precisions, recalls = [], []
    for order in range(1, 7):
        hypothesis = ngrams(HYPOTHESES[0], order)
        reference = ngrams(REFERENCES[0], order)
        matches = (hypothesis & reference).total()
        precisions.append(matches / hypothesis.total())
        recalls.append(matches / reference.total())
    precision, recall = sum(precisions) / 6, sum(recalls) / 6
    expected = 5 * precision * recall / (4 * precision + recall)
    result = quick(HYPOTHESES[:1], REFERENCES[:1])
    assert result.chrf.value == pytest.approx(100 * expected)


def test_ter_is_edits_per_reference_word() -> None:
    result = score(HYPOTHESES[:1], REFERENCES[:1])
    assert result.ter.value == pytest.approx(100 / 6)


def test_a_perfect_translation_has_perfect_scores() -> None:
    result = score(REFERENCES, REFERENCES)
    values = (result.bleu.value, result.chrf.value, result.ter.value)
    assert values == pytest.approx((100, 100, 0))


@pytest.mark.parametrize("references", [[REFERENCES], [REFERENCES, OTHERS]])
def test_scores_and_signatures_are_those_of_the_sacrebleu_command(
    references: list[list[str]], tmp_path: Path
) -> None:
    names = [f"references-{number}" for number, _ in enumerate(references)]
    for name, lines in zip(
        ["hypotheses", *names], [HYPOTHESES, *references], strict=True
    ):
        (tmp_path / name).write_text("".join(line + "\n" for line in lines))
    command = [sys.executable, "-m", "sacrebleu", *names, "-i", "hypotheses"]
    command += ["--metrics", "bleu", "chrf", "ter", "--width", "6"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)
    for theirs, ours in zip(
        json.loads(run.stdout), score(HYPOTHESES, *references), strict=True
    ):
        assert ours.name == theirs["name"]
        assert ours.value == pytest.approx(theirs["score"], abs=1e-6)
        assert ours.signature == theirs["signature"]


def test_quick_scores_are_the_full_scores() -> None:
    for lowercase in (False, True):
        full = score(HYPOTHESES, REFERENCES, lowercase=lowercase)
        assert quick(HYPOTHESES, REFERENCES, lowercase=lowercase) == full[:2]


def test_lowercase_ignores_case_and_signs_for_it() -> None:
    shouted = [line.upper() for line in REFERENCES]
    for result in score(shouted, REFERENCES, lowercase=True):
        assert result.value == pytest.approx(0 if result.name == "TER" else 100)
        assert "case:lc" in result.signature
    assert quick(shouted, REFERENCES).bleu.value < 50


def test_the_target_language_chooses_the_tokenizer() -> None:
    reference, hypothesis = "\u4eca\u5929\u5929\u6c14\u597d", "\u4eca\u5929\u5929\u6c14"
    chinese = quick([hypothesis], [reference], target_language="zh").bleu
    german = quick([hypothesis], [reference], target_language="de").bleu
    assert "tok:zh" in chinese.signature
    assert "tok:13a" in german.signature
    # Characters are words: all four n-gram precisions are 1, and 4 of 5 are there.
    assert chinese.value == pytest.approx(100 * 2.718281828459045 ** (1 - 5 / 4))
    assert german.value == 0


@pytest.mark.parametrize("language", ["th", "lo", "km", "my", "bo", "dz"])
def test_languages_without_blanks_are_scored_by_characters(language: str) -> None:
    reference, hypothesis = (
        "\u0e01\u0e02\u0e03\u0e04" * 5,
        "\u0e01\u0e02\u0e03\u0e04" * 5 + "\u0e01",
    )
    spaced = [" ".join(reference)], [" ".join(hypothesis)]
    bleu = quick([hypothesis], [reference], target_language=language).bleu
    assert "tok:char" in bleu.signature
    assert bleu.value == quick(spaced[1], spaced[0]).bleu.value > 90


@pytest.mark.parametrize("language, expected", [("zh", 25), (None, 100)])
def test_ter_of_chinese_is_of_its_characters(
    language: str | None, expected: float
) -> None:
    # One of four is wrong; for one whose language nobody tells, the one word is.
    ter = score(
        ["\u6211\u7231\u4f60\u4eec"],
        ["\u6211\u7231\u4ed6\u4eec"],
        target_language=language,
    ).ter
    assert ter.value == pytest.approx(expected)


def test_a_language_without_its_tokenizer_is_refused_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sacrebleu.tokenizers.tokenizer_ja_mecab.MeCab", None)
    with pytest.raises(NmtError, match=r"pip install \"sacrebleu\[ja\]\""):
        require_tokenizer("ja")
    require_tokenizer("de")
    require_tokenizer(None)


@pytest.mark.parametrize("hypotheses, references", [(["a"], ["a", "b"]), ([], [])])
def test_unequal_or_empty_sides_are_refused(
    hypotheses: list[str], references: list[str]
) -> None:
    with pytest.raises(DataError, match=f"{len(references)} references"):
        score(hypotheses, references)


def test_scoring_says_nothing_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        score(["tokenized ."] * 200, ["tokenized."] * 200, target_language="zh")
    assert caplog.records == []
