"""MIXED PRECISION: what is computed in which type, and the scale of float16's loss.

Knows nothing of the model.

Weights, their gradients' sums, Adam and all that is done number by number are float32,
softmax and loss among it. In the compute type are matrix products with both their
factors, and additive attention's scores: what takes the time and the memory. Whoever
multiplies casts the matrix to the type of its rows, or the rows to the matrix's, and
takes the result back with `wide`; the kernels add up in float32 in any case, and round
once. Where the compute type is float32, none of this does anything.
"""

from typing import Any

import tensorflow as tf

Tensor = Any

# Of a loss that is a sum over a thousand tokens or so: of their mean it is 2^15.
FIRST_SCALE = 2.0**5
SMALLEST_SCALE, LARGEST_SCALE = 2.0**-14, 2.0**15
GROWTH_PERIOD = 2000  # updates


def compute_dtype(precision: str) -> tf.DType:
    """The type of the products for a value of `training.precision`."""
    return tf.as_dtype(precision.removeprefix("mixed_"))


def wide(x: Tensor) -> Tensor:
    """x in float32, or as it is where it is that or larger."""
    return tf.cast(x, tf.float32) if x.dtype.size < tf.float32.size else x


class LossScale(tf.Module):
    """What float16's loss is multiplied by, and its gradients divided by at the end.

    Micikevicius et al. 2018, section 3.2: float16 has nothing below 6e-8, where many
    gradients are, and nothing above 65,504. The scale is a power of 2, so that it
    rounds nothing. It is halved where gradients overflow, and doubled where they have
    not for GROWTH_PERIOD updates. (bfloat16 reaches as far as float32: it needs none.)
    """

    def __init__(self) -> None:
        super().__init__("loss_scale")
        self.scale = tf.Variable(FIRST_SCALE, trainable=False)
        # Updates since it changed; int64, since a GPU has no variables of int32.
        self.good = tf.Variable(0, dtype=tf.int64, trainable=False)

    def adapt(self, overflowed: Tensor) -> Tensor:
        """Follows an update whose gradients overflowed, or did not (bool scalars).

        Returns whether that is mended by a smaller scale: not below SMALLEST_SCALE.
        """
        scale, good = self.scale.read_value(), self.good.read_value() + 1
        grown = good >= GROWTH_PERIOD
        factor = tf.where(overflowed, 0.5, tf.where(grown, 2.0, 1.0))
        self.scale.assign(
            tf.clip_by_value(scale * factor, SMALLEST_SCALE, LARGEST_SCALE)
        )
        self.good.assign(tf.where(overflowed | grown, tf.zeros_like(good), good))
        return overflowed & (scale > SMALLEST_SCALE)

    def values(self) -> dict[str, Any]:
        """What a checkpoint keeps of it."""
        return {
            "loss_scale": float(self.scale.numpy()),
            "loss_scale_age": int(self.good.numpy()),
        }

    def assign(self, loss_scale: float | None, loss_scale_age: int) -> None:
        """Goes on from a checkpoint; None: of a run that had no scale so far."""
        if loss_scale is not None:
            self.scale.assign(loss_scale)
            self.good.assign(loss_scale_age)
