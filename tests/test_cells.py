"""Float64 throughout, so that a gradient can be held against a slope."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from nmt.cells import DECODER_CELLS, encoder_cell
from nmt.recurrence import multiplication, scan, step

B, S, D, C, A, T = 2, 4, 3, 5, 6, 3
MASK = np.array([[1.0, 1, 1, 1], [1, 1, 0, 0]])
# Never a whole row: the layer norm of zeros has a kink.
DROPPED = np.array([[2.0, 0, 2], [0, 2, 2]])

decoder_cells = pytest.mark.parametrize("cell", DECODER_CELLS)
attentions = pytest.mark.parametrize("attention", ["additive", "dot"])
norms = pytest.mark.parametrize("layer_norm", [True, False], ids=["norm", "plain"])


def decoder_problem(
    cell: str, attention: str, layer_norm: bool, *, rows: int = 1
) -> dict[str, Any]:
    """All that `scan` takes for T steps of `rows` rows a sentence, but for the mask."""
    random = np.random.default_rng(0)

    def draw(*shape: int) -> Any:
        return random.normal(scale=0.7, size=shape)

    additive = attention == "additive"
    size = A if additive else D  # of queries and keys
    matrices = {
        "state": draw(D, (A if additive else 0) + 3 * D),
        "context": draw(B, S, C) @ draw(C, 3 * D),
    }
    shared = {
        "keys": draw(B, S, size),
        "recurrent_bias": draw(3 * D),
        "state_mask": np.resize(DROPPED, [B * rows, D]),
    }
    normalised = {"recurrent": 3 * D, "context": 3 * D}
    if cell == "conditional_gru":
        matrices["first"] = draw(D, 3 * D)
        shared |= {"first_bias": draw(3 * D), "context_bias": draw(3 * D)}
        normalised["first"] = 3 * D
    if additive:
        shared["direction"] = draw(A)
        normalised["query"] = A
    if layer_norm:
        shared |= {f"{name}_norm": draw(2, size) for name, size in normalised.items()}
    return {
        "inputs": (draw(T, B * rows, 3 * D),),
        "state": draw(B * rows, D),
        "matrices": matrices,
        "shared": shared,
    }


def numpy_gru(projected: Any, recurrent: Any, state: Any) -> Any:
    (w_z, w_r, w), (u_z, u_r, u) = np.split(projected, 3), np.split(recurrent, 3)
    z, r = 1 / (1 + np.exp(-w_z - u_z)), 1 / (1 + np.exp(-w_r - u_r))
    return z * state + (1 - z) * np.tanh(w + r * u)


def numpy_step(
    cell: str, problem: dict[str, Any], time: int, row: int, sentence: int, state: Any
) -> tuple[Any, Any]:
    """One row's (state, weights), as the papers have them."""
    embedded = problem["inputs"][0][time, row]
    matrices, shared = problem["matrices"], problem["shared"]
    dropped = shared["state_mask"][row]

    def norm(x: Any, name: str) -> Any:
        if f"{name}_norm" not in shared:
            return x
        gain, bias = shared[f"{name}_norm"]
        return gain * (x - x.mean()) / np.sqrt(x.var() + 1e-5) + bias

    w_a, u = np.split(matrices["state"], [-3 * D], 1)
    if cell == "conditional_gru":
        first = norm((state * dropped) @ matrices["first"], "first")
        state = numpy_gru(embedded, first + shared["first_bias"], state)
        from_input = shared["context_bias"]
    else:
        from_input = embedded
    additive = "direction" in shared
    query = norm((state * dropped) @ w_a, "query") if additive else state
    scores = []
    for key in shared["keys"][sentence][MASK[sentence] == 1]:
        if additive:
            scores.append(shared["direction"] @ np.tanh(query + key))  # equation 6
        else:
            scores.append(query @ key)
    weights = np.zeros(S)
    weights[: len(scores)] = np.exp(scores) / np.sum(np.exp(scores))
    context = weights @ matrices["context"][sentence]  # equation 5, times C
    recurrent = norm((state * dropped) @ u, "recurrent") + shared["recurrent_bias"]
    projected = from_input + norm(context, "context")
    return numpy_gru(projected, recurrent, state), weights


@norms
@attentions
@decoder_cells
def test_a_step_of_a_decoder_cell_is_the_papers_formula(
    cell: str, attention: str, layer_norm: bool
) -> None:
    problem = decoder_problem(cell, attention, layer_norm, rows=2)
    state, (weights,) = step(
        DECODER_CELLS[cell],
        (tf.constant(problem["inputs"][0][0]),),
        tf.constant(problem["state"]),
        multiplications(tensors(problem["matrices"])),
        tensors(problem["shared"]) | {"mask": tf.constant(MASK)},
    )
    for row in range(B * 2):
        expected = numpy_step(cell, problem, 0, row, row // 2, problem["state"][row])
        for ours, papers in zip((state, weights), expected, strict=True):
            np.testing.assert_allclose(ours[row], papers, rtol=1e-10, atol=1e-15)


@norms
@attentions
@decoder_cells
def test_a_scan_of_a_decoder_cell_is_its_steps_gradient_included(
    cell: str, attention: str, layer_norm: bool
) -> None:
    problem = decoder_problem(cell, attention, layer_norm)
    # The mask is data: nothing differentiates by it.
    agree(DECODER_CELLS[cell], problem, {"mask": tf.constant(MASK)})


def test_a_scan_of_the_encoder_cell_is_its_steps_gradient_included() -> None:
    random = np.random.default_rng(0)
    problem = {
        "inputs": (random.normal(size=[T, B, 3 * D]),),
        "state": random.normal(size=[B, D]),
        "matrices": {"recurrent": random.normal(size=[D, 3 * D])},
        "shared": {
            "recurrent_bias": random.normal(size=3 * D),
            "state_mask": DROPPED,
        },
    }
    agree(encoder_cell, problem, {})


@pytest.mark.parametrize("dropped", [None, DROPPED], ids=["plain", "dropout"])
def test_the_encoder_cell_is_a_gru(dropped: np.ndarray | None) -> None:
    """Dropout is of what U multiplies, and not of the state that is carried on."""
    random = np.random.default_rng(0)
    projected, state = random.normal(size=[B, 3 * D]), random.normal(size=[B, D])
    matrix, bias = random.normal(size=[D, 3 * D]), random.normal(size=3 * D)
    result, outputs = step(
        encoder_cell,
        (tf.constant(projected),),
        tf.constant(state),
        multiplications({"recurrent": tf.constant(matrix)}),
        {"recurrent_bias": tf.constant(bias)}
        | ({} if dropped is None else {"state_mask": tf.constant(dropped)}),
    )
    assert outputs == ()
    kept = state if dropped is None else state * dropped
    for row in range(B):
        expected = numpy_gru(projected[row], kept[row] @ matrix + bias, state[row])
        np.testing.assert_allclose(result[row], expected, rtol=1e-12)


def multiplications(matrices: dict[str, Any]) -> dict[str, Any]:
    return {name: multiplication(matrix) for name, matrix in matrices.items()}


def tensors(arrays: Any) -> Any:
    return tf.nest.map_structure(tf.constant, arrays)


def agree(cell: Any, problem: dict[str, Any], data: dict[str, Any]) -> None:
    """`scan` against steps that are differentiated automatically, and against slopes.

    What is differentiated is a sum of all states and outputs in random proportions.
    """
    random = np.random.default_rng(1)

    def scanned(problem: dict[str, Any]) -> list[Any]:
        return tf.nest.flatten(
            scan(cell, **problem | {"shared": problem["shared"] | data})
        )

    def stepped(problem: dict[str, Any]) -> list[Any]:
        state, rows = problem["state"], []
        shared = problem["shared"] | data
        matrices = multiplications(problem["matrices"])
        for time in range(T):
            inputs = tuple(x[time] for x in problem["inputs"])
            state, outputs = step(cell, inputs, state, matrices, shared)
            rows.append([state, *outputs])
        return [tf.stack(values) for values in zip(*rows, strict=True)]

    # In a graph, as training runs it.
    @tf.function(autograph=False)
    def value_and_gradient(problem: dict[str, Any]) -> tuple[Any, list[Any], list[Any]]:
        with tf.GradientTape() as tape:
            tape.watch(problem)
            values = scanned(problem)
            total = weighted(values)
        return total, values, tape.gradient(total, tf.nest.flatten(problem))

    def weighted(values: list[Any]) -> Any:
        return tf.add_n(
            [tf.reduce_sum(x * y) for x, y in zip(values, proportions, strict=True)]
        )

    start = tensors(problem)
    with tf.GradientTape() as tape:
        tape.watch(start)
        expected = stepped(start)
        proportions = [random.normal(size=value.shape) for value in expected]
        total = weighted(expected)
    slopes = tape.gradient(total, tf.nest.flatten(start))
    _, values, gradients = value_and_gradient(start)
    for ours, theirs in zip([*values, *gradients], [*expected, *slopes], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-11)

    size = 1e-5
    for _ in range(3):
        direction = tf.nest.map_structure(
            lambda x: tf.constant(random.normal(size=x.shape)), start
        )
        ahead, behind = (
            value_and_gradient(
                tf.nest.map_structure(lambda x, d, s=sign: x + s * d, start, direction)
            )[0]
            for sign in (size, -size)
        )
        along = sum(
            np.sum(gradient * d)
            for gradient, d in zip(gradients, tf.nest.flatten(direction), strict=True)
        )
        slope = float(ahead - behind) / (2 * size)
        assert slope == pytest.approx(along, rel=1e-6)
