"""Forced beginnings, n-grams said once and a bonus, against brute force."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from languages import (
    END,
    LONGEST,
    START,
    Tokens,
    all_sequences,
    assert_equal,
    brute_force,
    random_languages,
    ranked,
    search,
    start,
    step,
    weighed,
)

from nmt.continuations import Limits
from nmt.search import State, beam_search

SEQUENCES = all_sequences(3, LONGEST)

# As many as there are languages; one is as long as may be, and START is never said but
# where it is forced.
PREFIXES: list[Tokens] = [(), (3,), (2, 2), (4, 3, 2, 2), (START,), (), (4,), (2, 4)]


def ngrams(tokens: Tokens, size: int) -> list[Tokens]:
    return [tokens[at : at + size] for at in range(len(tokens) - size + 1)]


def repeats_none(tokens: Tokens, size: int) -> bool:
    return len(set(ngrams(tokens, size))) == len(ngrams(tokens, size))


@pytest.mark.parametrize("length_penalty", [0.0, 1.0])
def test_a_wide_beam_ranks_all_continuations_of_a_prefix(length_penalty: float) -> None:
    languages = random_languages(11, sentences=len(PREFIXES))
    expected = []
    for language, prefix in zip(languages, PREFIXES, strict=True):
        rest = all_sequences(3, LONGEST - len(prefix))
        begun = [(*prefix, *tokens) for tokens in rest]
        expected.append(brute_force(language, begun, length_penalty))
    found = search(
        languages,
        beam_size=len(SEQUENCES),
        prefixes=PREFIXES,
        length_penalty=length_penalty,
    )
    assert_equal(ranked(found), expected)


@pytest.mark.parametrize("beam_size", [None, 1, 3])
def test_what_is_found_begins_with_the_prefix_and_counts_it(
    beam_size: int | None,
) -> None:
    languages = random_languages(12, sentences=len(PREFIXES))
    caps = [4, 1, 2, 4, 3, 2, 2, 3]
    found = ranked(search(languages, beam_size=beam_size, prefixes=PREFIXES, caps=caps))
    for language, prefix, cap, best in zip(
        languages, PREFIXES, caps, found, strict=True
    ):
        for hypothesis in best:
            assert hypothesis.tokens[: len(prefix)] == prefix
            assert len(hypothesis.tokens) <= cap
        again = [weighed(language, hypothesis.tokens) for hypothesis in best]
        assert_equal([best], [again])


def test_a_prefix_that_greedy_search_would_have_said_changes_nothing() -> None:
    languages = random_languages(13, sentences=8)
    free = ranked(search(languages))
    prefixes = [best.tokens[: place % 4] for place, (best,) in enumerate(free)]
    assert_equal(ranked(search(languages, prefixes=prefixes)), free)
    assert_equal(ranked(search(languages, beam_size=1, prefixes=prefixes)), free)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_wide_beam_ranks_all_sequences_without_a_repeated_ngram(size: int) -> None:
    languages = random_languages(14, sentences=4)
    allowed = [tokens for tokens in SEQUENCES if repeats_none(tokens, size)]
    assert len(allowed) < len(SEQUENCES)
    found = search(languages, beam_size=len(SEQUENCES), no_repeat_ngram=size)
    expected = [brute_force(language, allowed) for language in languages]
    assert_equal(ranked(found), expected)


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("beam_size", [1, 2, 5])
def test_no_ngram_is_said_twice(beam_size: int, size: int) -> None:
    languages = random_languages(15, words=2, scale=0.5)
    languages[..., 2] += 3  # would say it for ever
    free = ranked(search(languages, beam_size=beam_size))
    assert not all(repeats_none(best.tokens, size) for best, *_ in free)
    for found in ranked(search(languages, beam_size=beam_size, no_repeat_ngram=size)):
        assert found
        assert all(repeats_none(hypothesis.tokens, size) for hypothesis in found)


def test_a_bonus_is_that_of_the_state_that_comes_with_the_end() -> None:
    languages = random_languages(16, sentences=6)
    weights = np.array([0.0, 0.3, 0.1, 0.9, 0.5], np.float32)  # of each id read

    def weighing_step(tokens: Any, state: State, memory: Any) -> tuple[Any, State]:
        inner, total = state
        logits, inner = step(tokens, inner, memory[0])
        return logits, (inner, total + tf.gather(weights, tokens))

    def bonus(state: State, memory: Any) -> Any:
        factor = tf.repeat(memory[1], tf.size(state[1]) // tf.size(memory[1]))
        return -factor * state[1]

    factors = np.arange(1, 7, dtype=np.float32)
    beginning = start(languages, LONGEST)
    found = beam_search(
        weighing_step,
        beginning._replace(
            state=(beginning.state, tf.zeros([6])),
            memory=(beginning.memory, tf.constant(factors)),
        ),
        Limits(END, (START,)),
        beam_size=len(SEQUENCES),
        length_penalty=0.7,
        bonus=bonus,
    )
    expected = []
    for language, factor in zip(languages, factors, strict=True):
        every = []
        for tokens in SEQUENCES:
            plain = weighed(language, tokens, 0.7)
            extra = -factor * weights[list(tokens)].sum()
            every.append(plain._replace(score=plain.score + extra))
        expected.append(sorted(every, key=lambda found: -found.score))
    assert_equal(ranked(found), expected)


def test_what_can_neither_go_on_without_a_repeat_nor_end_yet_ends() -> None:
    language = random_languages(17, sentences=1, words=1)
    options = {"beam_size": 2, "no_repeat_ngram": 1, "min_length": 3}
    assert_equal(ranked(search(language, **options)), [[weighed(language[0], (2,))]])
