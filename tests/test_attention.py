import numpy as np
import pytest
import tensorflow as tf

from nmt.attention import additive_scores, attention_weights, dot_scores

B, K, S, D, C, A = 3, 2, 5, 4, 6, 7
MASK = np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [1, 0, 0, 0, 0]], np.float32)


def draw(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).normal(size=shape)


def test_additive_attention_is_equation_6_of_bahdanau_2015() -> None:
    states, annotations = draw(B, K, D), draw(B, S, C)
    w, u, v = draw(D, A), draw(C, A), draw(A)
    scores = additive_scores(
        tf.constant(states @ w), tf.constant(annotations @ u), tf.constant(v)
    )
    weights = attention_weights(scores, tf.constant(MASK)).numpy()
    for b in range(B):
        length = int(MASK[b].sum())
        for i in range(K):
            e = [
                v @ np.tanh(states[b, i] @ w + annotations[b, j] @ u)
                for j in range(length)
            ]
            a = np.exp(e) / np.sum(np.exp(e))
            np.testing.assert_allclose(weights[b, i, :length], a, rtol=1e-12)


def test_dot_scores_are_the_content_based_scores_of_luong_2015() -> None:
    states, annotations, w = draw(B, K, D), draw(B, S, C), draw(D, C)
    dot = dot_scores(tf.constant(draw(B, K, C)), tf.constant(annotations)).numpy()
    general = dot_scores(
        tf.constant(states), tf.constant(annotations @ w.T)
    ).numpy()  # W h
    for b, i, j in np.ndindex(B, K, S):
        assert dot[b, i, j] == pytest.approx(draw(B, K, C)[b, i] @ annotations[b, j])
        expected = states[b, i] @ w @ annotations[b, j]
        assert general[b, i, j] == pytest.approx(expected)


@pytest.mark.parametrize("size", [1.0, 1e4])
def test_weights_sum_to_one_and_are_exactly_zero_where_masked(size: float) -> None:
    scores = tf.constant(size * draw(B, K, S), tf.float32)
    weights = attention_weights(scores, tf.constant(MASK)).numpy()
    np.testing.assert_allclose(weights.sum(-1), 1, rtol=1e-6)
    masked = np.repeat(MASK[:, np.newaxis] == 0, K, axis=1)
    assert (weights[masked] == 0.0).all()


def test_weights_of_half_precision_scores_are_float32() -> None:
    scores = tf.constant(draw(B, K, S), tf.float16)
    weights = attention_weights(scores, tf.constant(MASK))
    expected = attention_weights(tf.cast(scores, tf.float32), tf.constant(MASK))
    assert weights.dtype == tf.float32
    np.testing.assert_array_equal(weights, expected)
