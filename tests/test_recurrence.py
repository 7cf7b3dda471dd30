from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from nmt.recurrence import Multiply, gru, multiplication, product, scan, step

N, D, T = 4, 3, 5


def draw(*shape: int) -> Any:
    return np.random.default_rng(sum(shape)).normal(size=shape)


def test_gru_is_its_formula() -> None:
    projected, recurrent, state = draw(N, 3 * D), draw(N, 3 * D) + 1, draw(N, D)
    (w_z, w_r, w), (u_z, u_r, u) = np.split(projected, 3, 1), np.split(recurrent, 3, 1)
    z = 1 / (1 + np.exp(-w_z - u_z))
    r = 1 / (1 + np.exp(-w_r - u_r))
    expected = z * state + (1 - z) * np.tanh(w + r * u)
    result = gru(*map(tf.constant, (projected, recurrent, state)))
    np.testing.assert_allclose(result, expected, rtol=1e-12)


def test_gru_is_the_one_of_keras() -> None:
    x, state = draw(N, 5), draw(N, D)
    w, u, bias = draw(5, 3 * D), draw(D, 3 * D), draw(2, 3 * D)
    cell = tf.keras.layers.GRUCell(D, reset_after=True, dtype="float64")
    cell.build((None, 5))
    cell.set_weights([w, u, bias])
    expected, _ = cell(tf.constant(x), [tf.constant(state)])
    result = gru(x @ w + bias[0], state @ u + bias[1], tf.constant(state))
    np.testing.assert_allclose(result, expected, rtol=1e-12)


def test_rows_are_multiplied_by_their_sentences_own_matrix() -> None:
    rows, own = draw(3 * 2, 4), draw(3, 4, 5)  # two rows a sentence
    result = product(tf.constant(rows), tf.constant(own))
    for n in range(6):
        np.testing.assert_allclose(result[n], rows[n] @ own[n // 2], rtol=1e-12)
    back = product(result, tf.constant(own), transposed=True)
    for n in range(6):
        np.testing.assert_allclose(
            back[n], result[n].numpy() @ own[n // 2].T, rtol=1e-12
        )


@pytest.mark.parametrize("columns", [3, 256, 512])
def test_a_multiplication_is_a_product_however_the_matrix_lies(columns: int) -> None:
    rows, matrix = draw(N, D), draw(D, columns)
    multiply = multiplication(tf.constant(matrix))
    np.testing.assert_allclose(multiply(tf.constant(rows)), rows @ matrix, rtol=1e-12)


def small_cell(
    inputs: tuple[Any, ...], state: Any, shared: Mapping[str, Any], multiply: Multiply
) -> tuple[Any, tuple[Any, ...]]:
    """Uses all that `scan` offers: two inputs, two outputs, both kinds of matrix."""
    x, y = inputs
    hidden = tf.tanh(multiply("common", state) + x * shared["gain"])
    state = tf.tanh(multiply("own", tf.sin(hidden) * y) + state)
    return state, (hidden * state, tf.reduce_sum(hidden, -1))


def small_problem() -> dict[str, Any]:
    drawn = {
        "inputs": (draw(T, N, D), draw(T, N, D) + 1),
        "state": draw(N, D),
        "matrices": {"common": draw(D, D), "own": draw(N, D, D)},
        "shared": {"gain": draw(D)},
    }
    return tf.nest.map_structure(tf.constant, drawn)


def test_scan_and_its_gradient_are_those_of_so_many_steps() -> None:
    problem = small_problem()
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(problem)
        state, states, outputs = problem["state"], [], []
        matrices = {name: multiplication(m) for name, m in problem["matrices"].items()}
        for time in range(T):
            inputs = tuple(x[time] for x in problem["inputs"])
            state, output = step(small_cell, inputs, state, matrices, problem["shared"])
            states.append(state)
            outputs.append(output)
        stepped = (
            tf.stack(states),
            tuple(tf.stack(values) for values in zip(*outputs, strict=True)),
        )
        scanned = scan(small_cell, **problem)
        sums = [
            tf.add_n([tf.reduce_sum(x * draw(*x.shape)) for x in tf.nest.flatten(run)])
            for run in (stepped, scanned)
        ]
    tf.nest.map_structure(np.testing.assert_allclose, scanned, stepped)
    gradients = [tf.nest.flatten(tape.gradient(total, problem)) for total in sums]
    for expected, gradient in zip(*gradients, strict=True):
        np.testing.assert_allclose(gradient, expected, rtol=1e-9, atol=1e-12)


def test_the_first_states_do_not_depend_on_how_many_follow() -> None:
    problem = small_problem()
    states, _ = scan(small_cell, **problem)
    shorter, _ = scan(
        small_cell, **problem | {"inputs": tuple(x[:2] for x in problem["inputs"])}
    )
    np.testing.assert_array_equal(shorter, states[:2])


@pytest.mark.parametrize("uses", [0, 2])
def test_a_matrix_is_used_exactly_once_a_step(uses: int) -> None:
    def cell(
        inputs: Any, state: Any, shared: Any, multiply: Multiply
    ) -> tuple[Any, tuple[()]]:
        for _ in range(uses):
            state = multiply("common", state)
        return state, ()

    matrices = {"common": tf.eye(D)}
    with pytest.raises(AssertionError, match="used|twice"):
        scan(cell, (tf.zeros([T, N, D]),), tf.zeros([N, D]), matrices, {})
