"""Cross-entropy over a large vocabulary, without ever holding all the logits.

Knows nothing of updates.

Shapes: N target positions, E readout size, V vocabulary.
"""

from typing import Any, NamedTuple

import tensorflow as tf

from nmt.batches import Batch
from nmt.layers import SILENCE, Noise, softmax_and_normalizer
from nmt.model import TranslationModel
from nmt.precision import wide
from nmt.tokenizer import PAD

Tensor = Any

# Positions a chunk: large enough for a matrix product at full speed, small enough
# that a chunk's logits (512 x 8,000 x 4 bytes = 16 MB) stay near the processor.
CHUNK = 512


class Sums(NamedTuple):
    """Sums over the real target tokens of a batch (scalars)."""

    smoothed: Tensor  # float32, nats: what is minimised
    plain: Tensor  # float32, nats: -log p(target)
    tokens: Tensor  # float32: end of sentence counted, padding not


def batch_loss(
    model: TranslationModel,
    batch: Batch,
    smoothing: float,
    noise: Noise = SILENCE,
    dtype: tf.DType = tf.float32,
) -> Sums:
    """Teacher-forced loss of a batch; padding is left out before the softmax.

    Products are made in `dtype`; the sums are float32.
    """
    readouts, _ = model.teacher_forced(batch.source, batch.target_in, noise, dtype)
    targets = tf.reshape(tf.transpose(batch.target_out), [-1])
    real = tf.where(targets != PAD)[:, 0]
    rows = tf.gather(tf.reshape(readouts, [-1, readouts.shape[-1]]), real)
    smoothed, plain = cross_entropy(
        tf.cast(rows, dtype),
        model.output_embeddings.read_value(),
        model.output_bias.read_value(),
        tf.gather(targets, real),
        smoothing,
    )
    return Sums(smoothed, plain, tf.cast(tf.size(real), tf.float32))


def cross_entropy(
    readouts: Tensor,
    output_embeddings: Tensor,
    bias: Tensor,
    targets: Tensor,
    smoothing: float,
) -> tuple[Tensor, Tensor]:
    """Two sums over positions, in nats: the smoothed loss, and the plain one.

    readouts [N, E], output_embeddings [V, E], bias [V], targets [N] int32. Products are
    made in the readouts' type, all else in float32. The first sum is
    (1 - smoothing) * -log p(target) + smoothing * mean_v(-log p(v)) (Szegedy et al.
    2016, section 7) and has a gradient; the second is -log p(target) and has none.

    The gradient is made in the forward pass, chunk by chunk, so each chunk's logits are
    made once and dropped: three products in all, and memory that does not grow with
    N x V. By the logits it is

        softmax - (1 - smoothing) * one_hot(target) - smoothing / V

    and of its three terms only the first takes the form of a matrix [n, V]: the second
    has one number a row, the third the same number everywhere.
    """

    @tf.custom_gradient
    def run(readouts: Tensor, embeddings: Tensor, bias: Tensor) -> Any:
        count = tf.shape(readouts)[0]
        matrix = tf.cast(embeddings, readouts.dtype)

        def body(
            start: Tensor,
            normalizers: Any,
            target_logits: Any,
            d_readouts: Any,
            d_matrix: Any,
            d_bias: Any,
        ) -> tuple[Any, ...]:
            rows = readouts[start : start + CHUNK]
            logits = tf.matmul(rows, matrix, transpose_b=True)
            logits = wide(logits) + bias  # [n, V]
            probabilities, normalizer = softmax_and_normalizer(logits)
            # These and no others, however they were rounded: else a probability could
            # be larger than 1.
            chosen = tf.gather(logits, targets[start : start + CHUNK], batch_dims=1)
            d_bias += tf.reduce_sum(probabilities, 0)
            d_logits = tf.cast(probabilities, rows.dtype)
            place = start // CHUNK
            return (
                start + CHUNK,
                normalizers.write(place, normalizer),
                target_logits.write(place, chosen),
                d_readouts.write(place, d_logits @ matrix),
                d_matrix + wide(tf.matmul(d_logits, rows, transpose_a=True)),
                d_bias,
            )

        chunks = -(-count // CHUNK)
        _, normalizers, target_logits, d_readouts, d_matrix, d_bias = tf.while_loop(
            lambda start, *_: start < count,
            body,
            (
                tf.constant(0),
                _array(tf.float32, chunks, []),
                _array(tf.float32, chunks, []),
                _array(readouts.dtype, chunks, readouts.shape[1:]),
                tf.zeros_like(embeddings),
                tf.zeros_like(bias),
            ),
        )
        normalizers, target_logits = normalizers.concat(), target_logits.concat()  # [N]
        at_target = wide(tf.gather(matrix, targets))  # [N, E]
        mean = tf.reduce_mean(embeddings, 0)  # [E]
        mean_logits = tf.linalg.matvec(wide(readouts), mean) + tf.reduce_mean(bias)
        on_target = 1.0 - smoothing
        plain = tf.reduce_sum(normalizers - target_logits)
        uniform = tf.reduce_sum(normalizers - mean_logits)
        smoothed = on_target * plain + smoothing * uniform

        def gradient(d_smoothed: Tensor, _: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            constant = smoothing * mean
            d_rows = wide(d_readouts.concat()) - on_target * at_target - constant
            size = tf.shape(embeddings)[0]
            share = smoothing / tf.cast(size, tf.float32)
            everywhere = share * tf.reduce_sum(wide(readouts), 0)
            places = targets[:, tf.newaxis]
            d_embeddings = tf.tensor_scatter_nd_sub(
                d_matrix - everywhere, places, on_target * wide(readouts)
            )
            everywhere_too = share * tf.cast(count, tf.float32)
            d_biases = tf.tensor_scatter_nd_sub(
                d_bias - everywhere_too, places, tf.fill([count], on_target)
            )
            return (
                tf.cast(d_rows * d_smoothed, readouts.dtype),
                d_embeddings * d_smoothed,
                d_biases * d_smoothed,
            )

        return (smoothed, plain), gradient

    smoothed, plain = run(readouts, output_embeddings, bias)
    return smoothed, tf.stop_gradient(plain)


def _array(dtype: Any, count: Tensor, shape: Any) -> Any:
    """An array of `count` tensors [n, *shape] of that type."""
    return tf.TensorArray(
        dtype, size=count, infer_shape=False, element_shape=[None, *shape]
    )
