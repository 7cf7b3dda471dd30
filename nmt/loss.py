"""Cross-entropy over a large vocabulary, without ever holding all the logits.

Knows nothing of the model but its last matrix.

Shapes: N target positions, E readout size, V vocabulary.
"""

from typing import Any

import tensorflow as tf

Tensor = Any

# Positions a chunk: large enough for a matrix product at full speed, small enough
# that a chunk's logits (512 x 8,000 x 4 bytes = 16 MB) stay near the processor.
CHUNK = 512


def cross_entropy(
    readouts: Tensor,
    output_embeddings: Tensor,
    bias: Tensor,
    targets: Tensor,
    smoothing: float,
) -> tuple[Tensor, Tensor]:
    """Two sums over positions, in nats: the smoothed loss, and the plain one.

    readouts [N, E], output_embeddings [V, E], bias [V], targets [N] int32. The first
    sum is (1 - smoothing) * -log p(target) + smoothing * mean_v(-log p(v)) (Szegedy et
    al. 2016, section 7) and has a gradient; the second is -log p(target) and has none.

    The gradient is made in the forward pass, chunk by chunk (it is softmax - target
    distribution, times the upstream scalar), so each chunk's logits are made once and
    dropped: three products in all, and memory that does not grow with N x V.
    """
    vocabulary = tf.shape(output_embeddings)[0]
    on_target = 1.0 - smoothing
    elsewhere = smoothing / tf.cast(vocabulary, tf.float32)

    @tf.custom_gradient
    def run(readouts: Tensor, embeddings: Tensor, bias: Tensor) -> Any:
        count = tf.shape(readouts)[0]

        def body(
            start: Tensor,
            smoothed: Tensor,
            plain: Tensor,
            d_readouts: Any,
            d_embeddings: Tensor,
            d_bias: Tensor,
        ) -> tuple[Any, ...]:
            end = tf.minimum(start + CHUNK, count)
            rows, labels = readouts[start:end], targets[start:end]
            logits = tf.matmul(rows, embeddings, transpose_b=True)
            logits = tf.cast(logits, tf.float32) + bias  # [n, V]
            log_normalizer = tf.reduce_logsumexp(logits, -1)  # [n]
            at_target = tf.gather(logits, labels, batch_dims=1)
            loss = log_normalizer - at_target
            uniform = log_normalizer - tf.reduce_mean(logits, -1)
            probabilities = tf.exp(logits - log_normalizer[:, tf.newaxis])
            position = tf.stack([tf.range(end - start), labels], -1)
            d_logits = tf.tensor_scatter_nd_add(
                probabilities - elsewhere, position, -on_target * tf.ones_like(loss)
            )
            d_bias += tf.reduce_sum(d_logits, 0)
            d_logits = tf.cast(d_logits, rows.dtype)
            d_readouts = d_readouts.write(
                start // CHUNK, tf.matmul(d_logits, embeddings)
            )
            d_embeddings += tf.matmul(d_logits, rows, transpose_a=True)
            smoothed += on_target * tf.reduce_sum(loss) + smoothing * tf.reduce_sum(
                uniform
            )
            plain += tf.reduce_sum(loss)
            return end, smoothed, plain, d_readouts, d_embeddings, d_bias

        chunks = tf.TensorArray(
            readouts.dtype,
            size=-(-count // CHUNK),
            infer_shape=False,
            element_shape=[None, readouts.shape[1]],
        )
        zero = tf.constant(0.0)
        _, smoothed, plain, chunks, d_embeddings, d_bias = tf.while_loop(
            lambda start, *_: start < count,
            body,
            (
                tf.constant(0),
                zero,
                zero,
                chunks,
                tf.zeros_like(embeddings),
                tf.zeros_like(bias),
            ),
        )
        d_readouts = chunks.concat()

        def gradient(d_smoothed: Tensor, _: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            scale = tf.cast(d_smoothed, readouts.dtype)
            return d_readouts * scale, d_embeddings * scale, d_bias * d_smoothed

        return (smoothed, plain), gradient

    smoothed, plain = run(readouts, output_embeddings, bias)
    return smoothed, tf.stop_gradient(plain)
