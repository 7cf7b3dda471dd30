"""SAMPLING search in languages small enough to enumerate."""

from typing import Any

import numpy as np
import pytest
from languages import (
    END,
    LONGEST,
    START,
    Found,
    Languages,
    Tokens,
    all_sequences,
    assert_equal,
    gains,
    random_languages,
    read,
    search,
    start,
    step,
    weighed,
)

from nmt.continuations import Limits
from nmt.search import sample_search

LANGUAGES = random_languages(21, sentences=8)
DRAWS = np.random.default_rng(22).random([8, 5, LONGEST + 1], np.float32)
CAPS = [1, 4, 2, 3, 4, 4, 3, 2]
LIMITS = Limits(END, (START,))


def sample(
    languages: Languages,
    draws: Any,
    caps: Any = LONGEST,
    prefixes: Any = (),
    limits: Limits = LIMITS,
    **options: Any,
) -> list[list[Found]]:
    options = {"temperature": 1.0, "top_k": 0, "top_p": 1.0, **options}
    beginning = start(languages, caps, prefixes)
    return read(sample_search(step, beginning, limits, draws, **options))


def test_a_sample_is_a_function_of_its_sentence_and_its_draws() -> None:
    together = sample(LANGUAGES, DRAWS, CAPS)
    fewer = sample(LANGUAGES, DRAWS[:, :2], CAPS)
    assert_equal(fewer, [found[:2] for found in together])
    backwards = sample(LANGUAGES[::-1], DRAWS[::-1], CAPS[::-1])
    assert_equal(backwards[::-1], together)
    for place, cap in enumerate(CAPS[:3]):
        here = slice(place, place + 1)
        alone = sample(LANGUAGES[here], DRAWS[here], cap)
        assert_equal(alone, together[here])


def test_samples_have_the_log_prob_of_the_table_whatever_they_are_drawn_from() -> None:
    for options in {}, {"temperature": 2.0, "top_k": 2}, {"top_p": 0.6}:
        for language, found in zip(
            LANGUAGES, sample(LANGUAGES, DRAWS, CAPS, **options), strict=True
        ):
            again = [weighed(language, hypothesis.tokens) for hypothesis in found]
            assert_equal([found], [again])


def test_sequences_come_as_often_as_they_are_probable() -> None:
    languages = random_languages(23, sentences=1, words=2)
    languages[..., START] = -100  # or the rest would not sum to 1
    side = 60
    grid = (np.arange(side) + 0.5) / side
    draws = np.stack(np.meshgrid(grid, grid, grid[:1], indexing="ij"), -1)
    draws = draws.reshape([1, side**2, 3]).astype(np.float32)
    (found,) = sample(languages, draws, caps=2)
    said = [hypothesis.tokens for hypothesis in found]
    for tokens in all_sequences(2, 2):
        time = min(len(tokens) + 1, 2)  # at its longest it has to end
        each = [gains(languages[0], tokens[:at]) for at in range(time)]
        log_prob = sum(gain[id] for gain, id in zip(each, (*tokens, END), strict=False))
        share = said.count(tokens) / side**2
        assert share == pytest.approx(np.exp(log_prob), abs=2 / side)


def test_the_most_probable_of_one_is_greedy_search() -> None:
    greedy = read(search(LANGUAGES, caps=CAPS))
    for options in (
        {"top_k": 1},
        {"top_p": 1e-6},
        {"top_p": 1e-50},
        {"temperature": 1e-4},
    ):
        found = sample(LANGUAGES, DRAWS, CAPS, **options)
        assert_equal(found, [best * DRAWS.shape[1] for best in greedy])


def test_limits_and_prefixes_hold() -> None:
    prefixes: list[Tokens] = [(3,), (), (2, 2), (4, 3, 2), (START,), (), (4,), (2, 4)]
    limits = Limits(END, (START, 3), min_length=2)
    caps = [2, 4, 2, 3, 4, 3, 3, 2]
    found = sample(LANGUAGES, DRAWS, caps, prefixes, limits)
    for language, prefix, cap, samples in zip(
        LANGUAGES, prefixes, caps, found, strict=True
    ):
        for hypothesis in samples:
            assert 2 <= len(hypothesis.tokens) <= cap
            assert hypothesis.tokens[: len(prefix)] == prefix
            assert not {START, 3} & set(hypothesis.tokens[len(prefix) :])
        again = [weighed(language, hypothesis.tokens) for hypothesis in samples]
        assert_equal([samples], [again])
