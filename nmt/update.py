"""THE STEP: from a batch to changed weights; one graph call.

Knows nothing of epochs, files, validation or when to stop.

Shapes: B sentences, S source and T target positions.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from nmt.batches import BATCH_SIGNATURE, Batch
from nmt.config import TrainingConfig
from nmt.distribution import ALONE, Distribution
from nmt.layers import Noise
from nmt.loss import Sums, batch_loss
from nmt.model import TranslationModel
from nmt.optimizer import Adam, clipped_mean, update_average
from nmt.parameters import Array
from nmt.precision import LossScale, compute_dtype
from nmt.tokenizer import PAD

Tensor = Any


class Report(NamedTuple):
    """What one update did (scalars, still on the device)."""

    loss: Tensor  # float32, nats a target token, without label smoothing
    tokens: Tensor  # float32: real target tokens
    gradient_norm: Tensor  # float32, before clipping
    applied: Tensor  # bool: False where loss or gradient was not finite
    overflowed: Tensor  # bool: not applied, and a smaller loss scale will mend it


def share(batch: Batch, number: Tensor | int, count: int) -> Batch:
    """Every `count`-th row of a batch, from row `number` on: one of `count` shares.

    Where there is none, one row without a target to predict: no graph sees an empty
    tensor, and nothing is added to any sum.
    """
    rows = tf.shape(batch.source)[0]
    own = tf.range(tf.minimum(number, rows - 1), rows, count)
    source, target_in, target_out = (tf.gather(side, own) for side in batch)
    return Batch(source, target_in, tf.where(number < rows, target_out, PAD))


class Updater(tf.Module):
    """A model with what moves it: Adam's moments and the average of its weights.

    Each replica has the whole batch, takes its share of it, and makes the gradients of
    that, in `parts` side by side; from their sum on, all do the same.
    """

    def __init__(
        self,
        model: TranslationModel,
        average: TranslationModel,
        config: TrainingConfig,
        distribution: Distribution = ALONE,
        parts: int = 1,
    ) -> None:
        """`average` is the model that is validated: `model` itself for no average.

        All three are made within the distribution's scope.
        """
        super().__init__("updater")
        self.distribution = distribution
        self.parts = parts
        self.model = model
        self.average = average
        self.config = config
        self.adam = Adam(model.parameters)
        self.dtype = compute_dtype(config.precision)
        self.loss_scale = LossScale() if self.dtype == tf.float16 else None
        self.weights = list(model.parameters.by_name.values())
        # Of a replica's batches so far: the gradients' sums, the loss, the tokens.
        self.sums = (
            [tf.Variable(tf.zeros_like(weight)) for weight in self.weights]
            + [tf.Variable(0.0), tf.Variable(0.0)]
            if config.accumulate > 1
            else []
        )

    def begin(self, weights: Mapping[str, Array]) -> None:
        """Takes these weights, and is as if no update had been made."""
        self.model.parameters.assign(weights)
        if self.average is not self.model:
            self.average.parameters.assign(weights)
        self.adam.reset()
        if self.loss_scale is not None:
            self.loss_scale.assign(**LossScale().values())

    def update(self, batches: Sequence[Batch], step: int, rate: float) -> Report:
        """One update from `config.accumulate` batches (fewer at an epoch's end).

        `step` counts from 1; noise is a function of (seed, step, place in batches,
        replica, part).
        """
        # Of numpy's numbers: TensorFlow keeps each of Python's that it has met.
        number = tf.constant(np.int64(step))
        learning_rate = tf.constant(np.float32(rate))
        if self.config.accumulate == 1:
            (batch,) = batches
            return self._update(*batch, number, learning_rate)
        for place, batch in enumerate(batches):
            self._accumulate(*batch, number, tf.constant(place, tf.int64))
        return self._apply_accumulated(number, learning_rate)

    @tf.function(
        autograph=False,
        input_signature=[
            *BATCH_SIGNATURE,
            tf.TensorSpec([], tf.int64),
            tf.TensorSpec([], tf.float32),
        ],
    )
    def _update(
        self,
        source: Tensor,
        target_in: Tensor,
        target_out: Tensor,
        step: Tensor,
        rate: Tensor,
    ) -> Report:
        batch = Batch(source, target_in, target_out)

        def compute() -> Report:
            sums, gradients = self._gradients(batch, step, tf.constant(0, tf.int64))
            return self._apply_sum([*gradients, sums.plain, sums.tokens], step, rate)

        return self.distribution.run(compute)

    @tf.function(
        autograph=False,
        input_signature=[*BATCH_SIGNATURE, *[tf.TensorSpec([], tf.int64)] * 2],
    )
    def _accumulate(
        self,
        source: Tensor,
        target_in: Tensor,
        target_out: Tensor,
        step: Tensor,
        place: Tensor,
    ) -> None:
        batch = Batch(source, target_in, target_out)

        def compute() -> None:
            sums, gradients = self._gradients(batch, step, place)
            own = [*gradients, sums.plain, sums.tokens]
            for total, one in zip(self.sums, own, strict=True):
                total.assign_add(one)

        self.distribution.run(compute)

    @tf.function(
        autograph=False,
        input_signature=[tf.TensorSpec([], tf.int64), tf.TensorSpec([], tf.float32)],
    )
    def _apply_accumulated(self, step: Tensor, rate: Tensor) -> Report:
        def compute() -> Report:
            totals = [total.read_value() for total in self.sums]
            with tf.control_dependencies(totals):
                for total in self.sums:
                    total.assign(tf.zeros_like(total))
            return self._apply_sum(totals, step, rate)

        return self.distribution.run(compute)

    def _gradients(
        self, batch: Batch, step: Tensor, place: Tensor
    ) -> tuple[Sums, list[Tensor]]:
        """Sums over this replica's share; the smoothed one's gradients, scaled."""
        seed = tf.random.fold_in(tf.stack([self.config.seed, step]), place)
        if self.distribution.replicas > 1:
            replica = self.distribution.replica()
            batch = share(batch, replica, self.distribution.replicas)
            seed = tf.random.fold_in(seed, replica)
        if self.parts == 1:
            return self._part_gradients(batch, seed)
        # Nothing in a part waits for another: TensorFlow computes them side by side.
        # One function, so that it is traced once and, as it is not inlined, prepared
        # once: several seconds for each further part, before the first update.
        seeds = [tf.random.fold_in(seed, part) for part in range(self.parts)]
        part_gradients = tf.function(
            self._part_gradients,
            autograph=False,
            input_signature=[
                Batch(*BATCH_SIGNATURE),
                tf.TensorSpec([2], seeds[0].dtype),
            ],
            experimental_attributes={"_noinline": True},
        )
        made = [
            part_gradients(share(batch, part, self.parts), seeds[part])
            for part in range(self.parts)
        ]
        sums, gradients = zip(*made, strict=True)
        return (
            Sums(*(tf.add_n(each) for each in zip(*sums, strict=True))),
            [tf.add_n(each) for each in zip(*gradients, strict=True)],
        )

    def _part_gradients(self, batch: Batch, seed: Tensor) -> tuple[Sums, list[Tensor]]:
        noise = Noise(self.model.config.dropout.model_dump(), seed)
        with tf.GradientTape() as tape:
            sums = batch_loss(
                self.model, batch, self.config.label_smoothing, noise, self.dtype
            )
            scaled = sums.smoothed * self._scale()
        gradients = tape.gradient(scaled, self.weights)
        return sums, [tf.convert_to_tensor(gradient) for gradient in gradients]

    def _apply_sum(self, own: Sequence[Tensor], step: Tensor, rate: Tensor) -> Report:
        """`_apply` for the sums, over all replicas, of gradients, loss and tokens."""
        *gradients, plain, tokens = self.distribution.summed(own)
        return self._apply(gradients, plain, tokens, step, rate)

    def _apply(
        self,
        gradients: Sequence[Tensor],
        plain: Tensor,
        tokens: Tensor,
        step: Tensor,
        rate: Tensor,
    ) -> Report:
        """Moves the weights by the gradient of the mean over tokens, if finite.

        The gradients are the sums of all, and still times the loss scale: an overflow
        anywhere is one here, and they are divided by the scale once.
        """
        clipped, norm = clipped_mean(
            gradients, tokens * self._scale(), self.config.clip_norm
        )
        finite = tf.math.is_finite(norm) & tf.math.is_finite(plain)
        overflowed = tf.constant(False)
        if self.loss_scale is not None:
            # The scale has no part in the loss: that one is not finite otherwise.
            overflowed = self.loss_scale.adapt(~finite & tf.math.is_finite(plain))

        def move() -> Tensor:
            self.adam.apply(clipped, rate, step)
            if self.average is not self.model:
                update_average(
                    self.average.parameters,
                    self.model.parameters,
                    self.config.average_decay,
                    step,
                )
            return tf.constant(True)

        applied = tf.cond(finite, move, lambda: tf.constant(False))
        return Report(plain / tokens, tokens, norm, applied, overflowed)

    def _scale(self) -> Tensor | float:
        return 1.0 if self.loss_scale is None else self.loss_scale.scale.read_value()
