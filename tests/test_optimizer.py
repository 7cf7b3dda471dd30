from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from nmt.config import TrainingConfig
from nmt.optimizer import Adam, clipped_mean, learning_rate, update_average
from nmt.parameters import Parameters

STEPS = [1, 2, 3, 4, 5, 16, 100, 10_000]
LAST = STEPS[-1]


def parameters(seed: int = 1) -> Parameters:
    made = Parameters(seed)
    made.matrix("matrix", 3, 4)
    made.vector("vector", 5)
    return made


def random_gradients(steps: int) -> list[list[Any]]:
    random = np.random.default_rng(0)
    return [
        [random.normal(size=shape).astype(np.float32) for shape in ([3, 4], [5])]
        for _ in range(steps)
    ]


def test_a_constant_rate_is_reached_linearly_and_kept() -> None:
    config = TrainingConfig(learning_rate=0.8, schedule="constant", warmup_steps=4)
    rates = [learning_rate(config, step, LAST) for step in STEPS]
    assert rates == pytest.approx([0.2, 0.4, 0.6, 0.8, 0.8, 0.8, 0.8, 0.8])


def test_without_warmup_the_rate_is_whole_from_the_first_step() -> None:
    for schedule in ("constant", "plateau"):
        config = TrainingConfig(schedule=schedule, learning_rate=0.8, warmup_steps=0)
        assert {learning_rate(config, step, LAST) for step in STEPS} == {0.8}


def test_plateau_multiplies_by_its_factor_for_each_reduction() -> None:
    config = TrainingConfig(
        learning_rate=0.8, schedule="plateau", warmup_steps=4, plateau_factor=0.3
    )
    for step in STEPS:
        for reductions in range(4):
            expected = 0.8 * min(1, step / 4) * 0.3**reductions
            rate = learning_rate(config, step, LAST, reductions)
            assert rate == pytest.approx(expected)


def test_inverse_sqrt_is_equation_3_of_vaswani_2017_with_the_rate_as_its_peak() -> None:
    warmup = 4
    config = TrainingConfig(
        learning_rate=0.8, schedule="inverse_sqrt", warmup_steps=warmup
    )

    def papers(step: int) -> float:
        return min(step**-0.5, step * warmup**-1.5)

    rates = [learning_rate(config, step, LAST) for step in STEPS]
    assert rates == pytest.approx([0.8 * papers(x) / papers(warmup) for x in STEPS])
    assert max(rates) == rates[STEPS.index(warmup)] == 0.8
    assert learning_rate(config, 4 * warmup, LAST) == pytest.approx(0.4)


def test_linear_falls_by_the_same_step_to_0_after_the_last_update() -> None:
    config = TrainingConfig(learning_rate=0.8, schedule="linear", warmup_steps=4)
    rates = [learning_rate(config, step, 12) for step in range(1, 13)]
    falling = [0.8 * share / 9 for share in range(9, 0, -1)]
    assert rates == pytest.approx([0.2, 0.4, 0.6, *falling])
    without = TrainingConfig(learning_rate=0.8, schedule="linear", warmup_steps=0)
    rates = [learning_rate(without, step, 3) for step in range(1, 4)]
    assert rates == pytest.approx([0.6, 0.4, 0.2])


@pytest.mark.parametrize("last", [1, 2, 5, 12, 13])
def test_linear_comes_to_its_rate_and_falls_in_however_few_updates(last: int) -> None:
    config = TrainingConfig(learning_rate=0.8, schedule="linear", warmup_steps=500)
    rates = [learning_rate(config, step, last) for step in range(1, last + 1)]
    assert max(rates) == pytest.approx(0.8, rel=0.5 if last == 1 else 1e-9)
    turn = rates.index(max(rates))
    assert rates == sorted(rates[: turn + 1]) + sorted(rates[turn + 1 :], reverse=True)
    assert last - turn > last / 2


@pytest.mark.parametrize("count", [1.0, 7.0])
@pytest.mark.parametrize("limit", [0.01, 0.1, 0.4])
def test_clipped_gradients_keep_their_direction_and_stay_within_the_limit(
    limit: float, count: float
) -> None:
    (gradients,) = random_gradients(1)
    flat = np.concatenate([gradient.flatten() for gradient in gradients]) / count
    length = np.sqrt((flat**2).sum())
    assert length > 0.4
    clipped, norm = clipped_mean(gradients, count, limit)
    assert float(norm) == pytest.approx(length, rel=1e-6)
    flat_clipped = np.concatenate([gradient.numpy().flatten() for gradient in clipped])
    np.testing.assert_allclose(flat_clipped, flat * limit / length, rtol=1e-5)


def test_a_mean_within_the_limit_is_the_mean() -> None:
    (gradients,) = random_gradients(1)
    clipped, _ = clipped_mean(gradients, 4.0, 100.0)
    for ours, given in zip(clipped, gradients, strict=True):
        np.testing.assert_array_equal(ours, given / 4)


def test_adam_is_its_formula() -> None:
    """Kingma & Ba 2015, in the order of the last paragraph of section 2."""
    weights = parameters()
    adam = Adam(weights)
    expected = {k: v.astype(np.float64) for k, v in weights.values().items()}
    first, second = ({k: np.zeros(v.shape) for k, v in expected.items()} for _ in "12")
    for step, gradients in enumerate(random_gradients(5), 1):
        rate = 0.1 / step
        adam.apply(gradients, tf.constant(rate), tf.constant(step, tf.int64))
        for name, g in zip(expected, gradients, strict=True):
            first[name] = 0.9 * first[name] + 0.1 * g
            second[name] = 0.999 * second[name] + 0.001 * g**2
            alpha = rate * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
            expected[name] -= alpha * first[name] / (np.sqrt(second[name]) + 1e-8)
        for name, value in weights.values().items():
            np.testing.assert_allclose(value, expected[name], atol=1e-5)
            values = adam.values()
            np.testing.assert_allclose(values[f"{name}/first"], first[name], atol=1e-6)
            np.testing.assert_allclose(
                values[f"{name}/second"], second[name], atol=1e-6
            )


def test_adam_is_the_one_of_keras() -> None:
    weights = parameters()
    theirs = [tf.Variable(value) for value in weights.values().values()]
    adam = Adam(weights)
    keras_adam = tf.keras.optimizers.Adam(0.01, epsilon=1e-8)
    for step, gradients in enumerate(random_gradients(5), 1):
        adam.apply(gradients, tf.constant(0.01), tf.constant(step, tf.int64))
        keras_adam.apply_gradients(
            zip(map(tf.constant, gradients), theirs, strict=True)
        )
    for value, expected in zip(weights.values().values(), theirs, strict=True):
        np.testing.assert_allclose(value, expected.numpy(), atol=1e-6)


def test_adam_goes_on_from_its_saved_moments() -> None:
    one, other = parameters(), parameters()
    adam, resumed = Adam(one), Adam(other)
    gradients = random_gradients(3)

    def apply(optimizer: Adam, step: int) -> None:
        optimizer.apply(gradients[step], tf.constant(0.1), tf.constant(step + 1))

    apply(adam, 0)
    apply(adam, 1)
    other.assign(one.values())
    resumed.assign(adam.values())
    apply(adam, 2)
    apply(resumed, 2)
    for name, value in one.values().items():
        np.testing.assert_array_equal(value, other.values()[name])


def test_the_average_is_its_formula() -> None:
    weights, average = parameters(1), parameters(2)
    expected = average.values()
    for step in STEPS:
        update_average(average, weights, 0.99, tf.constant(step, tf.int64))
        decay = min(0.99, (1 + step) / (10 + step))
        for name, value in weights.values().items():
            expected[name] = decay * expected[name] + (1 - decay) * value
            np.testing.assert_allclose(
                average.values()[name], expected[name], atol=1e-6
            )
