"""GREEDY and BEAM search in languages small enough to enumerate."""

import itertools
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from languages import (
    END,
    LONGEST,
    START,
    Found,
    Language,
    Tokens,
    all_sequences,
    assert_equal,
    brute_force,
    gains,
    markov_language,
    random_languages,
    ranked,
    search,
    start,
    step,
    weighed,
)

from nmt.continuations import Limits
from nmt.search import Hypotheses, Start, State, beam_search, greedy_search


def beam_by_hand(
    language: Language, size: int, length_penalty: float, cap: int
) -> list[Found]:
    """The rule of beam search in plain Python, one sentence at a time."""
    unfinished: list[tuple[Tokens, float]] = [((), 0.0)]
    finished: list[Found] = []
    for time in range(cap + 1):
        continuations = []
        for tokens, log_prob in unfinished:
            follow = gains(language, tokens)
            allowed = [END] if time == cap else range(1, len(follow))
            continuations += [(tokens, id, log_prob + follow[id]) for id in allowed]
        continuations.sort(key=lambda continuation: -continuation[2])
        finished += [
            Found(tokens, total, total / (time + 1) ** length_penalty)
            for tokens, id, total in continuations[:size]
            if id == END
        ]
        finished = sorted(finished, key=lambda found: -found.score)[:size]
        unfinished = [
            ((*tokens, id), total) for tokens, id, total in continuations if id != END
        ][:size]
        so_far = [total / (time + 1) ** length_penalty for _, total in unfinished]
        if len(finished) == size and max(so_far, default=-1e9) <= finished[0].score:
            break
    return finished


either_search = pytest.mark.parametrize("beam_size", [None, 3], ids=["greedy", "beam"])


def test_a_beam_of_one_is_greedy_search() -> None:
    languages = random_languages(1, sentences=60)
    caps = [1, 2, 3, 4] * 15
    greedy = ranked(search(languages, caps=caps))
    assert_equal(ranked(search(languages, beam_size=1, caps=caps)), greedy)
    assert {len(best.tokens) for (best,) in greedy} == set(range(LONGEST + 1))


@pytest.mark.parametrize("length_penalty", [0.0, 0.6, 1.0])
@pytest.mark.parametrize("min_length", [0, 2])
def test_a_wide_beam_ranks_all_sequences_as_brute_force_does(
    length_penalty: float, min_length: int
) -> None:
    languages = random_languages(2)
    sequences = all_sequences(3, LONGEST, min_length)
    expected = [
        brute_force(language, sequences, length_penalty) for language in languages
    ]
    found = search(
        languages,
        beam_size=len(sequences),
        length_penalty=length_penalty,
        min_length=min_length,
    )
    assert_equal(ranked(found), expected)


@pytest.mark.parametrize("length_penalty", [0.0, 0.6, 1.0])
@pytest.mark.parametrize("beam_size", [2, 3, 5])
def test_a_narrow_beam_finds_what_its_rule_in_plain_python_finds(
    beam_size: int, length_penalty: float
) -> None:
    languages = random_languages(3, sentences=40)
    caps = [1, 2, 3, 4] * 10
    expected = [
        beam_by_hand(language, beam_size, length_penalty, cap)
        for language, cap in zip(languages, caps, strict=True)
    ]
    found = search(
        languages, beam_size=beam_size, length_penalty=length_penalty, caps=caps
    )
    assert_equal(ranked(found), expected)


@either_search
def test_a_hypothesis_goes_on_with_its_own_state(beam_size: int | None) -> None:
    languages = random_languages(4, sentences=40, scale=0.5)
    for language, found in zip(
        languages, ranked(search(languages, beam_size=beam_size)), strict=True
    ):
        again = [weighed(language, hypothesis.tokens, 0.0) for hypothesis in found]
        assert_equal([found], [again])


def test_improbable_early_ends_do_not_end_a_confident_search() -> None:
    # Two words, then the end, are nearly certain; an early end is the second most
    # probable at either step before, so that two have ended when the right one has not.
    language = markov_language(
        [
            [1e-6, 0.015, 0.98, 0.005],
            [1e-6, 0.015, 0.98, 0.005],
            [1e-6, 0.015, 0.005, 0.98],
            [1e-6, 0.98, 0.01, 0.01],
        ]
    )
    for length_penalty in (0.0, 1.0):
        (found,) = ranked(search(language, beam_size=2, length_penalty=length_penalty))
        assert found[0].tokens == (2, 3)


def test_a_finished_hypothesis_keeps_its_score_when_better_ones_come() -> None:
    # The empty sentence ends first, with probability 0.4. With so large a penalty every
    # longer one is better, so it moves back at each step; 31 is all sequences.
    language = markov_language([[1e-6, 0.4, 0.5, 0.1]] * 4)
    for cap in range(1, LONGEST + 1):
        (found,) = ranked(search(language, beam_size=31, length_penalty=3.0, caps=cap))
        assert found[-1].tokens == ()
        assert found[-1].score == pytest.approx(np.log(0.4), abs=1e-5)
        again = [weighed(language[0], hypothesis.tokens, 3.0) for hypothesis in found]
        assert_equal([found], [again])


@either_search
def test_at_its_longest_a_hypothesis_is_made_to_end_and_pays_for_it(
    beam_size: int | None,
) -> None:
    language = markov_language([[1e-6, 0.01, 0.9, 0.09]] * 4)
    (found,) = ranked(search(language, beam_size=beam_size, caps=3))
    best = max(found, key=lambda hypothesis: len(hypothesis.tokens))
    assert best.tokens == (2, 2, 2)
    assert best.log_prob == pytest.approx(3 * np.log(0.9) + np.log(0.01), abs=1e-5)


@either_search
def test_nothing_forbidden_and_nothing_too_short_comes_out(
    beam_size: int | None,
) -> None:
    languages = random_languages(5, sentences=40)
    languages[..., [START, END, 3]] += 5  # wants to say what it may not, and to end
    for min_length in range(LONGEST + 1):
        hypotheses = ranked(
            search(
                languages,
                beam_size=beam_size,
                min_length=min_length,
                forbidden=(START, 3),
            )
        )
        for found in itertools.chain(*hypotheses):
            assert len(found.tokens) >= min_length
            assert not {START, 3} & set(found.tokens)
    everything = search(languages, beam_size=beam_size, forbidden=())
    assert {START, 3} <= set(np.unique(everything.tokens))


@either_search
def test_a_sentence_is_searched_as_if_it_were_alone(beam_size: int | None) -> None:
    languages = random_languages(6, sentences=8)
    caps = [1, 4, 2, 3] * 2
    together = ranked(
        search(languages, beam_size=beam_size, length_penalty=1.0, caps=caps)
    )
    alone = [
        ranked(search(language, beam_size=beam_size, length_penalty=1.0, caps=cap))[0]
        for language, cap in zip(languages[:, np.newaxis], caps, strict=True)
    ]
    assert_equal(together, alone)


@either_search
@pytest.mark.parametrize("sentences", [10, None], ids=["static", "dynamic"])
def test_a_graph_finds_what_running_op_by_op_finds(
    beam_size: int | None, sentences: int | None
) -> None:
    languages = random_languages(7)
    beginning = start(languages, [4, 2, 3, 1, 4] * 2)

    def step_of_unknown_size(
        tokens: Any, state: State, memory: Any
    ) -> tuple[Any, State]:
        # As in many a net, the graph cannot tell how many rows come out.
        logits, state = step(tokens, state, memory)
        return logits, tf.nest.map_structure(
            lambda x: tf.boolean_mask(x, tf.ones_like(x, tf.bool)), state
        )

    def find(start: Start) -> Hypotheses:
        limits = Limits(END, (START,))
        if beam_size is None:
            return greedy_search(step_of_unknown_size, start, limits)
        return beam_search(
            step_of_unknown_size, start, limits, beam_size=beam_size, length_penalty=1.0
        )

    signature = tf.nest.map_structure(
        lambda x: tf.TensorSpec([sentences, *x.shape[1:]], x.dtype), beginning
    )
    graph = tf.function(find, input_signature=[signature], autograph=False)
    assert_equal(ranked(graph(beginning)), ranked(find(beginning)))


def test_ties_go_to_the_lower_id() -> None:
    uniform = np.zeros([1, 5**LONGEST, 5], np.float32)
    uniform[..., END] = -1
    (greedy,) = ranked(search(uniform, caps=3))
    assert greedy[0].tokens == (2, 2, 2)
    sequences = all_sequences(3, 2)
    (found,) = ranked(search(uniform, beam_size=len(sequences), caps=2))
    assert [hypothesis.tokens for hypothesis in found] == sequences


@pytest.mark.parametrize("beam_size", [2, 4, 7])
def test_hypotheses_that_do_not_exist_are_marked_impossible(beam_size: int) -> None:
    # One word: of three ids there are fewer than 2 K; sequences are as many as lengths.
    languages = random_languages(8, words=1)
    sequences = all_sequences(1, 3)
    hypotheses = search(languages, beam_size=beam_size, caps=3)
    assert hypotheses.scores.shape == [len(languages), beam_size]
    for found in ranked(hypotheses):
        assert len(found) == min(beam_size, len(sequences))
        if beam_size >= len(sequences):
            assert {hypothesis.tokens for hypothesis in found} == set(sequences)


def test_where_only_the_end_can_come_it_is_the_only_hypothesis() -> None:
    only_end = np.full([1, 2**LONGEST, 2], -np.inf, np.float32)
    only_end[..., END] = 0.0
    for beam_size in (None, 1, 3):
        assert ranked(search(only_end, beam_size=beam_size)) == [[((), 0.0, 0.0)]]
