"""Translating text, by a model that has learned the toy task."""

import json

import numpy as np
import pytest
from conftest import Toy, ToyRun
from sacrebleu.metrics import CHRF

from nmt.decoding import decode
from nmt.ensemble import Ensemble
from nmt.search_settings import Beam, Greedy, Sample, Search
from nmt.translator import Translator, as_alignment, as_json
from nmt.wording import Wording

DOG, IVAN = "\U0001f415", "\u0418\u0432\u0430\u043d"
WIDE = Beam(beam_size=6, nbest=6)
MANY = Sample(samples=6, temperature=2.0)


@pytest.fixture
def translator(toy_translator: Translator) -> Translator:
    return toy_translator


@pytest.fixture(scope="module")
def lines(toy: Toy) -> list[str]:
    return [*toy.lines("validation.source")[:12], "", f"ba {DOG} ce {IVAN}"]


@pytest.mark.parametrize("search", [WIDE, MANY], ids=["beam", "sample"])
@pytest.mark.parametrize("minimum_risk", [False, True])
def test_hypotheses_are_distinct_and_best_first(
    translator: Translator, lines: list[str], search: Search, minimum_risk: bool
) -> None:
    for translation in translator.translate(lines, search, minimum_risk=minimum_risk):
        texts = [best.text for best in translation.hypotheses]
        scores = [best.score for best in translation.hypotheses]
        assert 1 <= len(texts) <= 6
        assert len(set(texts)) == len(texts)
        assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize(
    "search", [Greedy(), WIDE, MANY], ids=lambda s: type(s).__name__
)
def test_scores_are_those_that_translating_reports(
    translator: Translator, lines: list[str], search: Search
) -> None:
    tokenizer = translator.tokenizers.target
    pairs = [
        (translation.source, best)
        for translation in translator.translate(lines, search)
        for best in translation.hypotheses
        # The search may spell a word in other subwords, and knows nothing of copies.
        if tokenizer.pieces(tokenizer.encode([best.text])[0]) == best.tokens
    ]
    assert len(pairs) >= len(lines) - 1
    scores = translator.score(
        [source for source, _ in pairs], [best.text for _, best in pairs]
    )
    expected = [best.log_prob for _, best in pairs]
    np.testing.assert_allclose(scores, expected, atol=1e-4)


def test_every_pair_has_a_score(translator: Translator) -> None:
    sources, targets = ["", "", "ba ce", f"{DOG}"], ["", "ba", "", f"{DOG}"]
    scores = translator.score(sources, targets)
    assert scores[0] == scores[3] == 0
    assert all(-1e3 < score < 0 for score in scores[1:3])


@pytest.mark.parametrize(
    "search", [Greedy(), Beam(), MANY], ids=lambda s: type(s).__name__
)
def test_a_translation_begins_with_its_prefix(
    translator: Translator, lines: list[str], search: Search
) -> None:
    prefixes = ["po ne", "p", "", f"{DOG} ", "ba\u2581"] * 3
    for translation, prefix in zip(
        translator.translate(lines, search, prefixes=prefixes[: len(lines)]),
        prefixes,
        strict=False,
    ):
        for best in translation.hypotheses:
            assert best.text.startswith(prefix) or not translation.source


def test_alignments_are_between_words_and_only_where_asked_for(
    translator: Translator, lines: list[str]
) -> None:
    for translation in translator.translate(lines, WIDE, alignments=True):
        for best in translation.hypotheses:
            words = len(translation.source.split()), len(best.text.split())
            assert len(set(best.alignment)) == len(best.alignment)
            assert all(
                0 <= source < words[0] and 0 <= target < words[1]
                for source, target in best.alignment
            )
            assert bool(best.alignment) == bool(best.text)
        best = translation.hypotheses[0]
        record = json.loads(as_json(0, translation))["hypotheses"][0]
        assert record["alignment"] == [list(link) for link in best.alignment]
        assert as_alignment(translation) == " ".join(
            f"{source}-{target}" for source, target in best.alignment
        )
    for translation in translator.translate(lines, WIDE):
        assert not any(best.alignment for best in translation.hypotheses)


def test_what_the_model_cannot_read_does_not_disturb_it(translator: Translator) -> None:
    plain, signs, unreadable = translator.translate(
        ["ba ce di", f"ba {DOG} ce di", f"{IVAN} {DOG}"], Greedy(), alignments=True
    )
    [plain_best], [best], [copy] = (
        translation.hypotheses for translation in (plain, signs, unreadable)
    )
    assert plain_best.text == "di ce ba"
    assert sorted(best.text.split()) == sorted([*plain_best.text.split(), DOG])
    assert (best.tokens, best.log_prob) == (
        plain_best.tokens,
        pytest.approx(plain_best.log_prob, abs=1e-5),
    )
    assert (1, best.text.split().index(DOG)) in best.alignment
    assert (copy.text, copy.alignment) == (f"{IVAN} {DOG}", [(0, 0), (1, 1)])


def test_an_ensemble_of_one_is_the_model(
    translator: Translator, lines: list[str], toy_run: ToyRun
) -> None:
    alone = Translator(
        Ensemble([translator.model]),  # type: ignore[list-item]
        translator.tokenizers,
        translator.search,
    )
    twice = Translator.open(toy_run.path, toy_run.path)
    assert twice.search == translator.search
    expected = translator.translate(lines, Beam(3, nbest=3), alignments=True)
    for ensemble in (alone, twice):
        found = ensemble.translate(lines, Beam(3, nbest=3), alignments=True)
        for one, other in zip(found, expected, strict=True):
            for best, wanted in zip(one.hypotheses, other.hypotheses, strict=True):
                assert (best.text, best.alignment) == (wanted.text, wanted.alignment)
                assert best.score == pytest.approx(wanted.score, abs=1e-5)


def test_minimum_risk_is_the_definition(translator: Translator) -> None:
    line, search = "ba ce di fo", Sample(samples=12, temperature=1.2)
    tokenizers = translator.tokenizers
    [found] = decode(translator.model, tokenizers.source.encode([line]), search)
    drawn = [Wording(tokenizers.target, sample.ids).text for sample in found]
    assert 1 < len(set(drawn)) < len(drawn), "no duplicates: another line or seed"
    chrf = CHRF()
    gains = {
        text: np.mean([chrf.sentence_score(text, [other]).score for other in drawn])
        for text in drawn
    }
    [translation] = translator.translate([line], search, minimum_risk=True)
    assert {best.text: best.score for best in translation.hypotheses} == pytest.approx(
        gains
    )

    [beam] = translator.translate([line], WIDE)
    weights = np.exp([best.log_prob for best in beam.hypotheses])
    texts = [best.text for best in beam.hypotheses]
    [ranked] = translator.translate([line], Beam(6), minimum_risk=True)
    gains = {
        text: np.average(
            [chrf.sentence_score(text, [other]).score for other in texts],
            weights=weights,
        )
        for text in texts
    }
    [best] = ranked.hypotheses
    assert best.score == pytest.approx(max(gains.values()), rel=1e-3)
    assert gains[best.text] == pytest.approx(best.score, rel=1e-3)
