"""Several models as one, against numpy on each model's own numbers."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tiny_models import random_sentences, tiny_model

from nmt import scoring
from nmt.batches import pack
from nmt.decoding import decode
from nmt.ensemble import Ensemble, Model
from nmt.search_settings import Beam, Greedy, Sample, Search

SOURCES = random_sentences(1, [5, 2, 9, 1])
TARGETS = random_sentences(2, [3, 6, 0, 4])

# Nothing but the vocabulary has to be the same.
# Not so large weights that rounding triples at each step.
FIRST = tiny_model(3, scale=2.0)
SECOND = tiny_model(
    4,
    scale=1.0,
    decoder_cell="gru",
    attention="dot",
    encoder_size=3,
    decoder_size=6,
    embedding_size=7,
    layer_norm=False,
)
BOTH = Ensemble([FIRST, SECOND])

Array = np.ndarray[Any, Any]


def log_probs_and_attention(model: Model) -> tuple[Array, Array]:
    """([T, B, V], [T, B, S]) of the known targets."""
    readouts, attention = model.teacher_forced(*pack(SOURCES, TARGETS)[:2])
    return tf.nn.log_softmax(model.logits(readouts)).numpy(), attention.numpy()


def test_log_probs_are_the_mean_of_the_models_made_to_sum_to_1() -> None:
    models = [log_probs_and_attention(model) for model in (FIRST, SECOND)]
    log_probs, attention = (np.mean(part, 0) for part in zip(*models, strict=True))
    log_probs -= np.log(np.exp(log_probs).sum(-1, keepdims=True))
    found = log_probs_and_attention(BOTH)
    np.testing.assert_allclose(found[0], log_probs, atol=1e-4)
    np.testing.assert_allclose(found[1], attention, atol=1e-6)


def test_stepping_equals_teacher_forcing() -> None:
    source, target_in, _ = pack(SOURCES, TARGETS)
    readouts, attention = BOTH.teacher_forced(source, target_in)
    logits = BOTH.logits(readouts)
    memory = BOTH.encode(source)
    state, step = BOTH.start(memory), BOTH.stepper()
    for time, tokens in enumerate(target_in.T):
        one, state, weights = step(tf.constant(tokens), state, memory)
        np.testing.assert_allclose(one, logits[time], atol=1e-4)
        np.testing.assert_allclose(weights, attention[time], atol=1e-5)


def test_an_ensemble_of_one_is_the_model() -> None:
    alone = Ensemble([FIRST])
    assert scoring.score(alone, SOURCES, TARGETS) == pytest.approx(
        scoring.score(FIRST, SOURCES, TARGETS), abs=1e-6
    )
    found, expected = (decode(model, SOURCES, Greedy()) for model in (alone, FIRST))
    for (one,), (other,) in zip(found, expected, strict=True):
        assert one.ids == other.ids
        assert one.log_prob == pytest.approx(other.log_prob, abs=1e-6)


@pytest.mark.parametrize(
    "search",
    [Greedy(), Beam(beam_size=3, nbest=2), Sample(samples=2)],
    ids=["greedy", "beam", "sample"],
)
def test_what_an_ensemble_finds_has_the_log_prob_that_it_scores(search: Search) -> None:
    for source, hypotheses in zip(SOURCES, decode(BOTH, SOURCES, search), strict=True):
        scores = scoring.score(
            BOTH, [source] * len(hypotheses), [said.ids for said in hypotheses]
        )
        log_probs = [said.log_prob for said in hypotheses]
        assert log_probs == pytest.approx(scores, abs=1e-4)
