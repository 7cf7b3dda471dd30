"""Products, layer norm, softmax and dropout: what several parts of nmt use.

Knows nothing of attention, recurrences or the model.
"""

import zlib
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from nmt.precision import wide

Tensor = Any

EPSILON = 1e-5


def linear(rows: Tensor, matrix: Tensor) -> Tensor:
    """rows [N, I] times matrix [I, O], made in the type of the rows, as float32."""
    return wide(rows @ tf.cast(matrix, rows.dtype))


@tf.custom_gradient
def layer_norm(x: Tensor, gain_and_bias: Tensor) -> Tensor:
    """x [..., D] to mean 0 and variance 1 over D, then scaled and shifted.

    Ba, Kiros & Hinton 2016, equation 4, with the gain and the bias in the rows of
    `gain_and_bias` [2, D]. The gradient is written out since it is a third of the
    operations that automatic differentiation needs, at every step of a recurrence.
    """
    gain, bias = gain_and_bias[0], gain_and_bias[1]
    centred = x - tf.reduce_mean(x, -1, keepdims=True)
    variance = tf.reduce_mean(tf.square(centred), -1, keepdims=True)
    scale = tf.math.rsqrt(variance + EPSILON)
    normal = centred * scale

    def gradient(upstream: Tensor) -> tuple[Tensor, Tensor]:
        d_normal = upstream * gain
        mean = tf.reduce_mean(d_normal, -1, keepdims=True)
        along = tf.reduce_mean(d_normal * normal, -1, keepdims=True)
        d_x = (d_normal - mean - normal * along) * scale
        others = tf.range(x.shape.rank - 1)
        d_gain = tf.reduce_sum(upstream * normal, others)
        return d_x, tf.stack([d_gain, tf.reduce_sum(upstream, others)])

    return normal * gain + bias, gradient


def softmax_and_normalizer(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Probabilities [..., V] of logits [..., V], and log sum_v exp(logit_v) [...].

    The latter is the largest logit less the log of its probability, which is 1 / V or
    more: as exact as a sum of exponentials, in a third of the time.
    """
    probabilities = tf.nn.softmax(logits)
    largest = tf.math.log(tf.reduce_max(probabilities, -1))
    return probabilities, tf.reduce_max(logits, -1) - largest


def log_normalizer(logits: Tensor, largest: Tensor) -> Tensor:
    """The same log sum_v exp(logit_v) [N, 1], where the largest of each row is known.

    logits [N, V], largest [N, 1] its place: two passes over all logits less.
    """
    probability = tf.gather(tf.nn.softmax(logits), largest, batch_dims=1)
    return tf.gather(logits, largest, batch_dims=1) - tf.math.log(probability)


class Noise:
    """Dropout whose masks are a function of (seed, site) and of nothing else.

    `rates` has a probability for each site, `seed` [2] int32 or int64 is one step's.
    """

    def __init__(self, rates: Mapping[str, float], seed: Tensor) -> None:
        self.rates = rates
        self.seed = seed

    def drop(self, site: str, x: Tensor, mask_shape: Tensor | None = None) -> Tensor:
        """x with a share of it set to 0 and the rest scaled up to keep its mean."""
        if not self.rates.get(site):
            return x
        return x * self.mask(site, tf.shape(x) if mask_shape is None else mask_shape)

    def mask(self, site: str, shape: Tensor, place: str = "") -> Tensor:
        """Zeros (with the site's probability) and 1 / (1 - probability)s.

        `place` tells one use of a site from another. Philox, since it alone gives the
        same numbers with and without XLA.
        """
        rate = self.rates[site]
        name = f"{site} {place}".encode()
        seed = tf.random.fold_in(self.seed, zlib.crc32(name) & 0x7FFFFFFF)
        draws = tf.random.stateless_uniform(shape, seed, alg="philox")
        return tf.cast(draws >= rate, tf.float32) / (1.0 - rate)


# For translation and validation: nothing is dropped.
SILENCE = Noise({}, (0, 0))
