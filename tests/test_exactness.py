"""Whole searches of random tiny models, against all the sequences there are."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_models import give_random_weights, random_sentences, tiny_model

from nmt import scoring
from nmt.decoding import LEAST_COVERAGE, Hypothesis, decode
from nmt.model import TranslationModel
from nmt.search_settings import Beam

VOCABULARY = 7  # three words
LONGEST = 3

SEQUENCES = [
    list(tokens)
    for length in range(LONGEST + 1)
    for tokens in itertools.product(range(4, VOCABULARY), repeat=length)
]

# Models and what they are searched with. The weights come later: other ones do not
# need another graph.
CASES = [
    (tiny_model(1, VOCABULARY), Beam(length_penalty=0.6, coverage_penalty=0.3)),
    (
        tiny_model(1, VOCABULARY, decoder_cell="gru", attention="general"),
        Beam(no_repeat_ngram=2),
    ),
]

cases = st.sampled_from(CASES)
seeds = st.integers(0, 2**32 - 1)
scales = st.sampled_from([0.1, 0.5, 1.0])


def scores(
    model: TranslationModel, source: list[int], targets: list[list[int]], search: Beam
) -> list[float]:
    """What `search` should rank `targets` by, from teacher forcing and numpy."""
    sources = [source] * len(targets)
    log_probs = scoring.score(model, sources, targets)
    attention = scoring.attend(model, sources, targets)
    return [
        log_prob / (len(target) + 1) ** search.length_penalty
        + search.coverage_penalty
        * np.log(np.clip(weights.sum(0), LEAST_COVERAGE, 1)).sum()
        for log_prob, target, weights in zip(log_probs, targets, attention, strict=True)
    ]


def bigrams_differ(ids: list[int]) -> bool:
    bigrams = list(itertools.pairwise(ids))
    return len(set(bigrams)) == len(bigrams)


def assert_scored(
    model: TranslationModel, source: list[int], found: list[Hypothesis], search: Beam
) -> None:
    """Best first, with the scores that teacher forcing gives, and distinct."""
    targets = [hypothesis.ids for hypothesis in found]
    expected = scores(model, source, targets, search)
    ranks = [hypothesis.score for hypothesis in found]
    assert ranks == pytest.approx(expected, abs=1e-4)
    assert ranks == sorted(ranks, reverse=True)
    log_probs = scoring.score(model, [source] * len(found), targets)
    assert [x.log_prob for x in found] == pytest.approx(log_probs, abs=1e-4)
    assert len(set(map(tuple, targets))) == len(found)


@settings(deadline=None, max_examples=15)
@given(cases, seeds, scales)
def test_a_wide_beam_ranks_all_sequences_by_their_scores(
    case: tuple[TranslationModel, Beam], seed: int, scale: float
) -> None:
    model, options = case
    allowed = [
        ids for ids in SEQUENCES if not options.no_repeat_ngram or bigrams_differ(ids)
    ]
    width = len(SEQUENCES)
    search = replace(options, beam_size=width, nbest=width, max_length=LONGEST)
    give_random_weights(model, seed, scale)
    sources = random_sentences(seed, [1, 4, 2], VOCABULARY)
    for source, found in zip(sources, decode(model, sources, search), strict=True):
        assert sorted(hypothesis.ids for hypothesis in found) == sorted(allowed)
        assert_scored(model, source, found, search)
        best = max(scores(model, source, allowed, search))
        assert found[0].score == pytest.approx(best, abs=1e-4)


@settings(deadline=None, max_examples=15)
@given(seeds, scales)
def test_a_narrow_beam_finds_hypotheses_with_the_scores_that_it_says(
    seed: int, scale: float
) -> None:
    model, options = CASES[0]
    search = replace(options, beam_size=3, nbest=3, max_length=6)
    give_random_weights(model, seed, scale)
    sources = random_sentences(seed, [1, 4, 6, 2], VOCABULARY)
    for source, found in zip(sources, decode(model, sources, search), strict=True):
        assert len(found) == search.nbest
        assert_scored(model, source, found, search)
