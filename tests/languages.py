"""Tables in place of nets: languages small enough to enumerate.

A language gives every history its own distribution, and the history is known from the
state only. So a hypothesis that went on with another one's state would show in its
log-probability.
"""

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from nmt.continuations import IMPOSSIBLE, Limits
from nmt.search import Hypotheses, Start, State, beam_search, greedy_search

START, END = 0, 1  # the start is never said; words are the ids from 2 on
LONGEST = 4

Languages = NDArray[np.float32]  # [B, V^LONGEST, V]: logits by sentence and history
Language = NDArray[np.float32]  # [V^LONGEST, V]
Tokens = tuple[int, ...]  # without the end of sentence


class Found(NamedTuple):
    tokens: Tokens
    log_prob: float
    score: float


def random_languages(
    seed: int, *, sentences: int = 10, words: int = 3, scale: float = 1.5
) -> Languages:
    random = np.random.default_rng(seed)
    ids = words + 2
    shape = [sentences, ids**LONGEST, ids]
    return random.normal(scale=scale, size=shape).astype(np.float32)


def markov_language(probabilities: Sequence[Sequence[float]]) -> Languages:
    """One language with p(id | id before it), as a table of histories."""
    ids = len(probabilities)
    before = np.arange(ids**LONGEST) % ids
    return np.log(np.array(probabilities, np.float32))[np.newaxis, before]


def step(tokens: Any, state: State, memory: Any) -> tuple[Any, State]:
    """A step of the languages in the memory, one for all rows of a sentence."""
    (languages,) = memory
    ids = languages.shape[-1]
    history = state["history"][0] * ids + tokens
    count = tf.shape(languages)[0]
    sentence = tf.repeat(tf.range(count), tf.size(tokens) // count)
    logits = tf.gather_nd(languages, tf.stack([sentence, history], -1))
    return logits, {"history": (history,)}


def start(
    languages: Languages, caps: int | Sequence[int], prefixes: Sequence[Tokens] = ()
) -> Start:
    """Where a search in these languages starts; a prefix for each, or none."""
    count = len(languages)
    tokens = tf.fill([count], START)
    width = max(map(len, prefixes), default=0)
    forced = [(*prefix, *[-1] * (width - len(prefix))) for prefix in prefixes]
    return Start(
        tokens,
        {"history": (tokens,)},
        (tf.constant(languages),),
        tf.constant(np.broadcast_to(caps, count).astype(np.int32)),
        tf.constant(np.array(forced, np.int32).reshape([count, width])),
    )


def search(
    languages: Languages,
    *,
    beam_size: int | None = None,
    caps: int | Sequence[int] = LONGEST,
    prefixes: Sequence[Tokens] = (),
    min_length: int = 0,
    forbidden: tuple[int, ...] = (START,),
    **options: Any,
) -> Hypotheses:
    """Beam search, or greedy search where there is no beam_size."""
    limits = Limits(END, forbidden, min_length)
    beginning = start(languages, caps, prefixes)
    if beam_size is None:
        return greedy_search(step, beginning, limits)
    options = {"length_penalty": 0.0, **options}
    return beam_search(step, beginning, limits, beam_size=beam_size, **options)


def read(hypotheses: Hypotheses) -> list[list[Found]]:
    """What was found, sentence by sentence, with all that must hold for any search."""
    tokens, lengths, log_probs, scores = (tensor.numpy() for tensor in hypotheses)
    sentences = []
    for row in range(len(tokens)):
        count = int((scores[row] > IMPOSSIBLE / 2).sum())
        assert (scores[row, count:] <= IMPOSSIBLE / 2).all()  # the missing come last
        for said, length in zip(tokens[row], lengths[row, :count], strict=False):
            assert (said[:length] != END).all() and (said[length:] == END).all()
            assert length < len(said)
        sentences.append(
            [
                Found(
                    tuple(tokens[row, rank, : lengths[row, rank]].tolist()),
                    float(log_probs[row, rank]),
                    float(scores[row, rank]),
                )
                for rank in range(count)
            ]
        )
    return sentences


def ranked(hypotheses: Hypotheses) -> list[list[Found]]:
    """The same, which must be distinct and best first."""
    sentences = read(hypotheses)
    for found in sentences:
        assert (np.diff([hypothesis.score for hypothesis in found]) <= 0).all()
        assert len({hypothesis.tokens for hypothesis in found}) == len(found)
    return sentences


def assert_equal(
    found: Sequence[Sequence[Found]], expected: Sequence[Sequence[Found]]
) -> None:
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert [x.tokens for x in one] == [x.tokens for x in other]
        for place in ("log_prob", "score"):
            numbers = [getattr(x, place) for x in other]
            assert [getattr(x, place) for x in one] == pytest.approx(numbers, abs=1e-5)


def log_softmax(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    exact = logits.astype(np.float64)
    return exact - np.log(np.exp(exact).sum(-1, keepdims=True))


def gains(language: Language, tokens: Tokens) -> NDArray[np.float64]:
    """Log-probabilities [V] of what follows `tokens`, from the table."""
    history = 0
    for token in tokens:
        history = history * language.shape[-1] + token
    return log_softmax(language[history])


def weighed(language: Language, tokens: Tokens, length_penalty: float = 0.0) -> Found:
    """`tokens` with the log-probability and score that the table gives them."""
    said = [*tokens, END]
    log_prob = sum(
        gains(language, tokens[:time])[token] for time, token in enumerate(said)
    )
    return Found(tokens, log_prob, log_prob / len(said) ** length_penalty)


def all_sequences(words: int, cap: int, min_length: int = 0) -> list[Tokens]:
    return [
        tokens
        for length in range(min_length, cap + 1)
        for tokens in itertools.product(range(2, words + 2), repeat=length)
    ]


def brute_force(
    language: Language, sequences: Sequence[Tokens], length_penalty: float = 0.0
) -> list[Found]:
    """All the sequences as the table scores them, best first."""
    found = [weighed(language, tokens, length_penalty) for tokens in sequences]
    return sorted(found, key=lambda found: -found.score)
