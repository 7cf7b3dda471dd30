"""Minimum Bayes risk: sacreBLEU's chrF, and the expectation by its definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sacrebleu.metrics import CHRF

from nmt.minimum_risk import expected_gains, sentence_gains

texts = st.text(st.sampled_from("abc .\u00fc"), max_size=12)


@given(st.lists(texts, min_size=1, max_size=5))
def test_gains_are_the_chrf_of_sacrebleu(some: list[str]) -> None:
    chrf = CHRF()
    expected = [
        [chrf.sentence_score(text, [reference]).score for reference in some]
        for text in some
    ]
    np.testing.assert_allclose(sentence_gains(some), expected, atol=1e-9)


@given(st.dictionaries(texts, st.floats(0.1, 9.0), min_size=1, max_size=4))
def test_the_expected_gain_is_the_weighted_mean_over_the_references(
    weights: dict[str, float],
) -> None:
    found = expected_gains(weights)
    assert list(found) == list(weights)
    for text, gain in found.items():
        [row] = sentence_gains([text, *weights])[:1, 1:]
        assert gain == pytest.approx(np.average(row, weights=list(weights.values())))
