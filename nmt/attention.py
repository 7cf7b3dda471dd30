"""THE ATTENTION FORMULAS: functions of queries, keys, values and a mask.

Knows nothing of weights, recurrences or time: a caller projects what it likes and
passes it in.

Shapes: B sentences, K queries a sentence (1 in training and in greedy search, the beam
in beam search), S source positions, A query and key size.
"""

from typing import Any

import tensorflow as tf

from nmt.precision import wide

Tensor = Any

# exp() of this is exactly 0 in float32, and it does not overflow in a sum.
MASKED_SCORE = -1e9


def additive_scores(queries: Tensor, keys: Tensor, direction: Tensor) -> Tensor:
    """Scores [B, K, S] of queries [B, K, A] against keys [B, S, A].

    e_ij = v^T tanh(W s_{i-1} + U h_j): Bahdanau, Cho & Bengio 2015, appendix A.1.2,
    with W s given as `queries`, U h as `keys` and v as `direction` [A].
    """
    # Not newaxis: its gradient copies all of [B, K, S, A] once more.
    pairs = tf.expand_dims(queries, 2) + tf.expand_dims(keys, 1)  # [B, K, S, A]
    hidden = tf.tanh(pairs)
    rows = tf.reshape(hidden, [-1, tf.shape(hidden)[-1]])
    scores = tf.matmul(rows, direction[:, tf.newaxis])  # [B * K * S, 1]
    return tf.reshape(scores, tf.shape(hidden)[:-1])


def dot_scores(queries: Tensor, keys: Tensor) -> Tensor:
    """Scores [B, K, S] of queries [B, K, A] against keys [B, S, A].

    Luong, Pham & Manning 2015, section 3.1: `dot` where the keys are the values
    themselves, `general` where they are W h.
    """
    return tf.matmul(queries, keys, transpose_b=True)


def attention_weights(scores: Tensor, mask: Tensor) -> Tensor:
    """Weights [B, K, S] that sum to 1; exactly 0 where mask [B, S] is 0.

    a_ij = softmax_j(e_ij): Bahdanau et al. 2015, equation 6, in float32 at least,
    whatever the scores are in. Every sentence has a position that is not masked.
    """
    scores = wide(scores)
    masked = (1.0 - tf.cast(mask, scores.dtype)) * MASKED_SCORE
    return tf.nn.softmax(scores + masked[:, tf.newaxis])
