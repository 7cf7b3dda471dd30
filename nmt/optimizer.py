"""Learning-rate schedules, gradient clipping, Adam and the moving average of weights.

Knows nothing of the model, the data or the loop.
"""

import math
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from nmt.config import TrainingConfig
from nmt.parameters import Parameters, Variables

Tensor = Any

# Kingma & Ba 2015, section 2.
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8


def learning_rate(
    config: TrainingConfig,
    step: int,
    last: int,
    reductions: int = 0,
    halvings: int = 0,
) -> float:
    """The learning rate of update `step` of `last`, counted from 1.

    constant and plateau: rate * min(1, step / warmup), and plateau times
    plateau_factor for each of the `reductions` so far. inverse_sqrt: rate *
    min(step / warmup, sqrt(warmup / step)), Vaswani et al. 2017, equation 3, scaled so
    that its peak is the rate. linear: rate * min(step / warmup, (last + 1 - step) /
    (last + 1 - warmup)), with a warmup of half the updates at most. Each of the
    `halvings` so far halves any of them.
    """
    warmup = config.warmup_steps
    if config.schedule == "linear":
        # So that a short run, a trial or one on little text, gets to the rate and to 0.
        warmup = min(warmup, last // 2)
    if config.schedule == "inverse_sqrt":
        factor = min(step / warmup, math.sqrt(warmup / step))
    else:
        factor = min(1.0, step / warmup) if warmup else 1.0
    if config.schedule == "plateau":
        factor *= config.plateau_factor**reductions
    elif config.schedule == "linear" and step > warmup:
        factor *= (last + 1 - step) / (last + 1 - warmup)
    return config.learning_rate * factor * 0.5**halvings


def clipped_mean(
    sums: Sequence[Tensor], count: Tensor, limit: float
) -> tuple[list[Tensor], Tensor]:
    """sums / count with their norm, all taken together, at most `limit`; and the norm.

    The norm is that before clipping: Pascanu, Mikolov & Bengio 2013, algorithm 1.
    """
    norm = tf.linalg.global_norm(sums) / count
    # One factor, so that every gradient is read and written once.
    scale = limit / tf.maximum(norm, limit) / count
    return [gradient * scale for gradient in sums], norm


class Adam(Variables):
    """Adam in the form that ends section 2 of Kingma & Ba 2015: epsilon comes last.

    Its variables are the moments, `NAME/first` and `NAME/second`.
    """

    def __init__(self, parameters: Parameters) -> None:
        super().__init__("adam")
        self.parameters = parameters
        self.by_name = {
            f"{name}/{moment}": tf.Variable(tf.zeros_like(variable), trainable=False)
            for moment in ("first", "second")
            for name, variable in parameters.by_name.items()
        }

    def apply(self, gradients: Sequence[Tensor], rate: Tensor, step: Tensor) -> None:
        """Moves the weights by gradients in their order; `step` counts from 1.

        One kernel a weight that reads and writes each number once.
        """
        power = tf.cast(step, tf.float32)
        for (name, variable), gradient in zip(
            self.parameters.by_name.items(), gradients, strict=True
        ):
            tf.raw_ops.ResourceApplyAdam(
                var=variable.handle,
                m=self.by_name[f"{name}/first"].handle,
                v=self.by_name[f"{name}/second"].handle,
                beta1_power=BETA_1**power,
                beta2_power=BETA_2**power,
                lr=rate,
                beta1=BETA_1,
                beta2=BETA_2,
                epsilon=EPSILON,
                grad=gradient,
            )

    def reset(self) -> None:
        """Moments of 0, as at the start."""
        for variable in self.by_name.values():
            variable.assign(tf.zeros_like(variable))


def update_average(
    average: Parameters, parameters: Parameters, decay: float, step: Tensor
) -> None:
    """average = d * average + (1 - d) * weights; d = min(decay, (1 + n) / (10 + n)).

    Polyak & Juditsky 1992; n is the step: a smaller d at first forgets the start.
    """
    count = tf.cast(step, tf.float32)
    share = 1.0 - tf.minimum(decay, (1.0 + count) / (10.0 + count))
    for name, variable in parameters.by_name.items():
        mean = average.by_name[name]
        # One kernel for the product and the sum: mean -= share * (mean - variable).
        tf.raw_ops.ResourceApplyGradientDescent(
            var=mean.handle, alpha=share, delta=mean - variable
        )
