from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from nmt import loss
from nmt.loss import cross_entropy

E, V = 5, 7
CHUNK = 4

# One position, less than a chunk, exactly one, exactly two, and not a multiple.
counts = pytest.mark.parametrize("count", [1, 3, 4, 8, 11])
smoothings = pytest.mark.parametrize("smoothing", [0.0, 0.1])


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loss, "CHUNK", CHUNK)


def problem(count: int) -> tuple[tuple[Any, Any, Any], Any]:
    """(readouts, embeddings, bias), targets."""
    random = np.random.default_rng(count)
    readouts, embeddings, bias = (
        tf.constant(random.normal(size=shape), tf.float32)
        for shape in ([count, E], [V, E], [V])
    )
    targets = tf.constant(random.integers(0, V, count), tf.int32)
    return (readouts, embeddings, bias), targets


@smoothings
@counts
def test_cross_entropy_is_its_formula(count: int, smoothing: float) -> None:
    weights, targets = problem(count)
    readouts, embeddings, bias = (x.numpy().astype(np.float64) for x in weights)
    total = total_plain = 0.0
    for readout, target in zip(readouts, targets.numpy(), strict=True):
        logits = embeddings @ readout + bias
        log_p = logits - np.log(np.exp(logits).sum())
        wanted = (1 - smoothing) * np.eye(V)[target] + smoothing / V
        total -= wanted @ log_p  # Szegedy et al. 2016, section 7
        total_plain -= log_p[target]
    smoothed, plain = cross_entropy(*weights, targets, smoothing)
    assert float(smoothed) == pytest.approx(total, rel=1e-6)
    assert float(plain) == pytest.approx(total_plain, rel=1e-6)


@smoothings
@counts
def test_its_gradient_is_that_of_all_logits_at_once(
    count: int, smoothing: float
) -> None:
    weights, targets = problem(count)

    @tf.function(autograph=False)
    def gradients(weights: tuple[Any, Any, Any]) -> list[Any]:
        with tf.GradientTape() as tape:
            tape.watch(weights)
            smoothed, plain = cross_entropy(*weights, targets, smoothing)
            # 3: what stands after the loss counts; plain: it has no gradient.
            total = 3 * smoothed + plain
        return tape.gradient(total, weights)

    with tf.GradientTape() as tape:
        tape.watch(weights)
        readouts, embeddings, bias = weights
        log_p = tf.nn.log_softmax(readouts @ tf.transpose(embeddings) + bias)
        wanted = (1 - smoothing) * tf.one_hot(targets, V) + smoothing / V
        total = -3 * tf.reduce_sum(wanted * log_p)
    expected = tape.gradient(total, weights)
    for ours, theirs in zip(gradients(weights), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_logits_of_any_size_give_a_finite_loss() -> None:
    (readouts, embeddings, bias), targets = problem(3)
    with tf.GradientTape() as tape:
        tape.watch(readouts)
        smoothed, _ = cross_entropy(1e4 * readouts, embeddings, bias, targets, 0.1)
    assert np.isfinite(smoothed)
    assert np.isfinite(tape.gradient(smoothed, readouts)).all()
