import functools
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from nmt import update
from nmt.batches import BATCH_SIGNATURE, Batch, pack
from nmt.config import DropoutConfig, ModelConfig, TrainingConfig
from nmt.distribution import Distribution
from nmt.loss import Sums, batch_loss
from nmt.model import TranslationModel
from nmt.update import Updater, share

VOCABULARY = 9
SILENT, NOISY = (
    DropoutConfig(**dict.fromkeys(DropoutConfig.model_fields, rate))
    for rate in (0.0, 0.3)
)

PAIRS = [([4, 5, 6], [7]), ([7], [4, 8, 8, 6, 5]), ([8, 8], []), ([5, 4], [6, 6])]


def make(dropout: DropoutConfig = SILENT, parts: int = 1, **changes: Any) -> Updater:
    config = ModelConfig(
        embedding_size=8, encoder_size=8, decoder_size=16, dropout=dropout
    )
    model, average = (
        TranslationModel(config, VOCABULARY, VOCABULARY, seed=1) for _ in range(2)
    )
    return Updater(model, average, TrainingConfig(**changes), parts=parts)


@functools.cache
def made_once(accumulate: int) -> tuple[Updater, dict[str, Any], dict[str, Any]]:
    """An updater, its first weights and its first moments."""
    updater = make(accumulate=accumulate)
    return updater, updater.model.parameters.values(), updater.adam.values()


def fresh(accumulate: int = 1) -> Updater:
    """An updater as it starts, without tracing its graphs anew for each test."""
    updater, weights, moments = made_once(accumulate)
    updater.model.parameters.assign(weights)
    updater.average.parameters.assign(weights)
    updater.adam.assign(moments)
    return updater


def batch(pairs: Sequence[tuple[list[int], list[int]]] = PAIRS) -> Batch:
    return pack([source for source, _ in pairs], [target for _, target in pairs])


def everything(updater: Updater) -> dict[str, Any]:
    """Copies of weights, moments and average."""
    average = updater.average.parameters.values()
    return {
        **updater.model.parameters.values(),
        **updater.adam.values(),
        **{f"{name}/average": value for name, value in average.items()},
    }


@pytest.mark.parametrize(
    "settings",
    [{}, {"clip_norm": 0.01, "label_smoothing": 0.3, "average_decay": 0.1}],
    ids=["usual", "unusual"],
)
def test_an_update_is_one_step_of_adam_on_the_mean_loss_a_token(
    settings: dict[str, float],
) -> None:
    ours = make(**settings) if settings else fresh()
    before = ours.model.parameters.values()
    tokens = sum(len(target) + 1 for _, target in PAIRS)
    with tf.GradientTape() as tape:
        sums = batch_loss(ours.model, batch(), ours.config.label_smoothing)
        mean = sums.smoothed / tokens
    gradients = [
        tf.convert_to_tensor(gradient).numpy()
        for gradient in tape.gradient(mean, ours.weights)
    ]
    norm = np.sqrt(sum((gradient**2).sum() for gradient in gradients))
    report = ours.update([batch()], 1, 0.001)
    assert float(report.tokens) == tokens
    assert float(report.loss) == pytest.approx(float(sums.plain) / tokens)
    assert float(report.gradient_norm) == pytest.approx(norm, rel=1e-5)
    assert bool(report.applied)
    after = everything(ours)
    for name, gradient in zip(before, gradients, strict=True):
        clipped = gradient * min(1, ours.config.clip_norm / norm)
        np.testing.assert_allclose(
            after[f"{name}/first"], 0.1 * clipped, rtol=1e-4, atol=1e-8
        )
        # The first step: the rate, against the gradient's sign.
        first = after[f"{name}/first"] / 0.1
        change = 0.001 * first / (abs(first) + 1e-8 / np.sqrt(0.001))
        np.testing.assert_allclose(after[name], before[name] - change, atol=1e-6)
        # d of the average is left: at the first step at most (1 + 1) / (10 + 1).
        left = min(ours.config.average_decay, 2 / 11)
        average = left * before[name] + (1 - left) * after[name]
        np.testing.assert_allclose(after[f"{name}/average"], average, atol=1e-6)


def test_the_loss_of_a_batch_is_the_sum_over_its_pairs() -> None:
    model = fresh().model
    together = batch_loss(model, batch(), 0.1)
    alone = [batch_loss(model, batch([pair]), 0.1) for pair in PAIRS]
    for whole, *parts in zip(together, *alone, strict=True):
        assert float(whole) == pytest.approx(sum(map(float, parts)), rel=1e-5)


def test_accumulated_batches_are_one_batch_of_all_their_pairs() -> None:
    whole, parts = fresh(), fresh(accumulate=3)
    for step in (1, 2):
        expected = whole.update([batch()], step, 0.001)
        batches = [batch(PAIRS[:1]), batch(PAIRS[1:2]), batch(PAIRS[2:])]
        if step == 2:  # fewer, as at the end of an epoch
            batches = [batch(PAIRS[:2]), batch(PAIRS[2:])]
        report = parts.update(batches, step, 0.001)
        np.testing.assert_allclose(report, expected, rtol=1e-5)
    expected_values = everything(whole)
    for name, value in everything(parts).items():
        np.testing.assert_allclose(value, expected_values[name], rtol=0, atol=1e-5)


@pytest.mark.parametrize("accumulate", [1, 3])
def test_a_loss_that_is_not_finite_is_as_if_it_had_not_been(accumulate: int) -> None:
    ours = fresh(accumulate)
    batches = [batch(PAIRS[:2]), batch(PAIRS[2:])][:accumulate]
    ours.update(batches, 1, 0.01)
    before = everything(ours)
    bias = ours.model.output_bias
    bias.assign(np.full(bias.shape, np.nan))
    report = ours.update(batches, 2, 0.01)
    assert not bool(report.applied)
    assert not np.isfinite(report.loss)
    bias.assign(before["output_bias"])
    for name, value in everything(ours).items():
        np.testing.assert_array_equal(value, before[name])
    # Nor is anything of it left for the next update.
    assert bool(ours.update(batches, 3, 0.01).applied)
    assert all(np.isfinite(value).all() for value in everything(ours).values())


def test_dropout_follows_the_seed_the_step_and_the_place() -> None:
    def loss(updater: Updater, step: int, place: int) -> float:
        numbers = tf.constant(step, tf.int64), tf.constant(place, tf.int64)
        sums, _ = updater._gradients(batch(), *numbers)
        return float(sums.plain)

    one, same, other = make(NOISY), make(NOISY), make(NOISY, seed=2)
    assert loss(one, 1, 0) == loss(same, 1, 0)
    losses = {loss(one, 1, 0), loss(one, 1, 1), loss(one, 2, 0), loss(other, 1, 0)}
    assert len(losses) == 4


def test_a_few_updates_on_a_copy_task_lower_the_loss() -> None:
    random = np.random.default_rng(0)
    sentences = [random.integers(4, 9, size).tolist() for size in [1, 2, 3] * 10]
    copies = batch([(sentence, sentence) for sentence in sentences])
    ours = fresh()
    losses = [float(ours.update([copies], step, 0.02).loss) for step in range(1, 41)]
    assert losses[0] > 1.5
    assert losses[-1] < 0.2 * losses[0]


@pytest.mark.parametrize("replicas", [3, 7])
def test_shares_add_up_to_the_batch_though_some_are_empty(replicas: int) -> None:
    ours = fresh()
    shares = [share(batch(), tf.constant(r), replicas) for r in range(replicas)]
    assert all(len(part.source) >= 1 for part in shares)
    step = tf.constant(1, tf.int64)
    make_gradients = tf.function(
        lambda *sides: ours._gradients(Batch(*sides), step, step),
        autograph=False,
        input_signature=BATCH_SIGNATURE,
    )
    expected, gradients = make_gradients(*batch())
    parts = [make_gradients(*part) for part in shares]
    for name in Sums._fields:
        total = sum(float(getattr(sums, name)) for sums, _ in parts)
        assert total == pytest.approx(float(getattr(expected, name)), rel=1e-5)
    for place, gradient in enumerate(gradients):
        total = sum(part[place].numpy() for _, part in parts)
        np.testing.assert_allclose(total, gradient, rtol=0, atol=1e-5)


class OneOfTwo(Distribution):
    """As an updater sees the first or the second of two replicas."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.replicas, self.number = 2, number

    def replica(self) -> Any:
        return tf.constant(self.number)


def test_replicas_draw_different_masks() -> None:
    # Each has one pair, and it is the same one.
    pairs = [PAIRS[0], PAIRS[0]]
    step = tf.constant(1, tf.int64)

    def loss(dropout: DropoutConfig, number: int) -> float:
        ours = make(dropout)
        ours.distribution = OneOfTwo(number)
        sums, _ = ours._gradients(batch(pairs), step, step)
        assert float(sums.tokens) == len(PAIRS[0][1]) + 1
        return float(sums.plain)

    assert loss(SILENT, 0) == loss(SILENT, 1)
    assert loss(NOISY, 0) == loss(NOISY, 0) != loss(NOISY, 1)


@pytest.mark.parametrize("parts", [2, 7])
def test_an_update_in_parts_is_that_of_the_batch(parts: int) -> None:
    whole, divided = fresh(), make(parts=parts)
    reports = [each.update([batch()], 1, 0.01) for each in (whole, divided)]
    for ours, expected in zip(reports[1], reports[0], strict=True):
        assert float(ours) == pytest.approx(float(expected), rel=1e-5)
    expected = everything(whole)
    for name, value in everything(divided).items():
        # Adam's first step is the rate, whatever the gradient: a sign of 0 may differ.
        if name.endswith("/first"):
            np.testing.assert_allclose(value, expected[name], atol=1e-5)


def test_parts_are_traced_once_for_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    traced = []

    def counted(*arguments: Any) -> Sums:
        traced.append(arguments)
        return batch_loss(*arguments)

    monkeypatch.setattr(update, "batch_loss", counted)
    ours = make(parts=5)
    ours._update.get_concrete_function()
    assert len(traced) == 1


def test_parts_draw_different_masks() -> None:
    step = tf.constant(1, tf.int64)
    same = batch([PAIRS[0], PAIRS[0]])
    for dropout, alike in (SILENT, True), (NOISY, False):
        ours = make(dropout, parts=2)
        together, _ = ours._gradients(same, step, step)
        seed = tf.random.fold_in(tf.stack([tf.constant(1, tf.int64), step]), step)
        one, _ = ours._part_gradients(
            share(same, 0, 2), tf.random.fold_in(seed, tf.constant(0))
        )
        doubled = pytest.approx(2 * float(one.plain), rel=1e-5)
        assert (float(together.plain) == doubled) == alike


def test_an_update_leaves_nothing_of_its_rate_and_number_behind() -> None:
    """TensorFlow keeps Python's numbers: a kilobyte an update, gigabytes in a week."""
    updater, batch = fresh(), pack(*zip(*PAIRS, strict=True))
    for place in range(3):
        step, rate = 10**6 + place, 0.01 / (place + 7)
        before = sys.getrefcount(step), sys.getrefcount(rate)
        updater.update([batch], step, rate)
        assert (sys.getrefcount(step), sys.getrefcount(rate)) == before


def test_the_masks_of_an_update_are_those_of_its_step_and_of_each_batchs_place() -> (
    None
):
    ours = make(NOISY, accumulate=2)

    def loss(step: int, count: int) -> float:
        return float(ours.update([batch()] * count, step, rate=0.0).loss)

    first = loss(1, count=1)
    assert loss(1, count=1) == pytest.approx(first, rel=1e-6)
    for other in (loss(2, count=1), loss(1, count=2)):
        assert other != pytest.approx(first, rel=1e-4)
