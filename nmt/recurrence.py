"""The GRU, and the scan that runs a cell over time with a gradient of its own.

Knows nothing of attention, weights' names or batches of text.

A cell is a function

    state, output = cell(inputs, state, shared, multiply)

of one time step: `inputs` is a tuple of tensors with a row each for the N sequences,
`state` is [N, D], `shared` is a dict of tensors that are the same at every step, and
`multiply(name, rows)` is the only way in which it multiplies by a matrix.

Why `multiply`: the gradient of a weight matrix is a sum over time of outer products.
Written out by automatic differentiation, every step of the backward loop reads and
writes every matrix's gradient. Here the loop only notes, for each product, its rows
and the gradient of its result; one large product after the loop does the sum. Products
are also kept from the forward loop, so that the backward loop recomputes what is cheap
(gates, norms, scores) and never a product.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf

from nmt.precision import wide

Tensor = Any
Multiply = Callable[[str, Tensor], Tensor]
Multiplication = Callable[[Tensor], Tensor]
Cell = Callable[
    [tuple[Tensor, ...], Tensor, Mapping[str, Tensor], Multiply],
    tuple[Tensor, tuple[Tensor, ...]],
]

# Bytes; see `multiplication`.
CONFLICT, CACHE_LINE = 2048, 64


def gru(projected: Tensor, recurrent: Tensor, state: Tensor) -> Tensor:
    """The next state [N, D] from W x + b and U s + b', both [N, 3 D].

    Gates in the order update z, reset r, candidate. The reset gate acts after the
    product with U, as cuDNN computes it and as Nematus does; Cho et al. 2014 and
    Bahdanau et al. 2015 (appendix A.1.1) have it before.

        z = sigmoid(W_z x + U_z s)    r = sigmoid(W_r x + U_r s)
        s~ = tanh(W x + r * (U s))    s' = z * s + (1 - z) * s~
    """
    # `split` rather than slices: its gradient is one concatenation, a slice's a sum of
    # tensors that are mostly zeros. In three, so that nothing is split twice.
    update_input, reset_input, candidate_input = tf.split(projected, 3, -1)
    update_state, reset_state, candidate_state = tf.split(recurrent, 3, -1)
    update = tf.sigmoid(update_input + update_state)
    reset = tf.sigmoid(reset_input + reset_state)
    candidate = tf.tanh(candidate_input + reset * candidate_state)
    return candidate + update * (state - candidate)


def product(rows: Tensor, matrix: Tensor, *, transposed: bool = False) -> Tensor:
    """rows [N, I] times matrix [I, O], or times their sentence's own [B, I, O].

    With a matrix for each sentence, N = B * K and the K rows of a sentence stand
    together; `transposed` ones are given as [B, O, I]. The result is of the matrix's
    type.
    """
    rows = tf.cast(rows, matrix.dtype)
    if matrix.shape.rank == 2:
        assert not transposed
        return tf.matmul(rows, matrix)
    size = tf.shape(rows)[1]
    grouped = tf.reshape(rows, [tf.shape(matrix)[0], -1, size])  # [B, K, I]
    result = tf.matmul(grouped, matrix, transpose_b=transposed)  # [B, K, O]
    columns = matrix.shape[1 if transposed else 2]
    result = tf.reshape(result, [-1, tf.shape(result)[2]])
    return tf.ensure_shape(result, [None, columns])


def multiplication(matrix: Tensor) -> Multiplication:
    """The function rows -> product(rows, matrix), for a loop that calls it often.

    Where the rows of a matrix begin a multiple of 2 kB apart, they compete for the same
    few lines of a processor's caches; so there the function multiplies by a copy, made
    here, with some columns more (64 x 512 x 2048 on two cores: 2.0 ms, then 1.1).
    """
    columns = matrix.shape[-1]
    conflict = matrix.shape.rank == 2 and columns * matrix.dtype.size % CONFLICT == 0
    if not conflict or tf.config.list_physical_devices("GPU"):
        return lambda rows: product(rows, matrix)
    spaced = tf.pad(matrix, [[0, 0], [0, CACHE_LINE // matrix.dtype.size]])
    return lambda rows: product(rows, spaced)[:, :columns]


def step(
    cell: Cell,
    inputs: tuple[Tensor, ...],
    state: Tensor,
    multiplications: Mapping[str, Multiplication],
    shared: Mapping[str, Tensor],
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """One time step of a cell: (state [N, D], outputs)."""
    return cell(inputs, state, shared, lambda name, x: wide(multiplications[name](x)))


def scan(
    cell: Cell,
    inputs: tuple[Tensor, ...],
    state: Tensor,
    matrices: Mapping[str, Tensor],
    shared: Mapping[str, Tensor],
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """States [T, N, D] after each step, and the outputs, each [T, N, ...].

    `inputs` are [T, N, ...], `state` [N, D] is the one before the first step; each of
    `matrices` is used by the cell exactly once a step, and of one for each sentence
    there are N. Equal, with its gradient, to T calls of `step`. Products are of their
    matrix's type, which may be smaller than float32; the cell gets them in float32, and
    sums over time are float32.
    """
    names, shared_names = tuple(matrices), tuple(shared)
    count = len(inputs)

    @tf.custom_gradient
    def run(*arguments: Tensor) -> tuple[list[Tensor], Callable[..., list[Tensor]]]:
        xs, start = arguments[:count], arguments[count]
        rest = arguments[count + 1 :]
        weights = dict(zip(names, rest, strict=False))
        constants = dict(zip(shared_names, rest[len(names) :], strict=True))
        states, outputs, products = _forward(cell, xs, start, weights, constants)

        def gradient(*upstream: Tensor) -> list[Tensor]:
            return _backward(
                cell, xs, start, weights, constants, states, products, upstream
            )

        return [states, *outputs], gradient

    states, *outputs = run(*inputs, state, *matrices.values(), *shared.values())
    return states, tuple(outputs)


def _forward(
    cell: Cell,
    inputs: Sequence[Tensor],
    start: Tensor,
    matrices: Mapping[str, Tensor],
    shared: Mapping[str, Tensor],
) -> tuple[Tensor, list[Tensor], dict[str, tf.TensorArray]]:
    """States and outputs, stacked over time, and an array of each product."""
    length = tf.shape(inputs[0])[0]
    multiplications = {name: multiplication(m) for name, m in matrices.items()}

    def advance(time: Tensor, state: Tensor) -> tuple[Tensor, list[Tensor]]:
        made = {}

        def multiply(name: str, rows: Tensor) -> Tensor:
            assert name not in made, f"{name} is multiplied by twice in one step"
            made[name] = multiplications[name](rows)
            return wide(made[name])

        state, outputs = cell(tuple(x[time] for x in inputs), state, shared, multiply)
        assert set(made) == set(matrices), "a matrix is not used by the cell"
        return state, [state, *outputs, *(made[name] for name in matrices)]

    # A function, for its arrays need the dtypes and shapes of what a step writes before
    # there is a loop: traced once for both.
    traced = tf.function(advance, autograph=False)
    _, written = traced.get_concrete_function(
        tf.TensorSpec([], tf.int32), tf.TensorSpec(start.shape, start.dtype)
    ).structured_outputs
    arrays = [_array(tensor, length) for tensor in written]

    def body(time: Tensor, state: Tensor, arrays: list[Any]) -> tuple[Any, ...]:
        state, values = traced(time, state)
        return time + 1, state, _write(arrays, time, values)

    *_, arrays = tf.while_loop(
        lambda time, *_: time < length, body, (tf.constant(0), start, arrays)
    )
    split = len(arrays) - len(matrices)
    states, *outputs = (array.stack() for array in arrays[:split])
    return states, outputs, dict(zip(matrices, arrays[split:], strict=True))


def _backward(
    cell: Cell,
    inputs: Sequence[Tensor],
    start: Tensor,
    matrices: Mapping[str, Tensor],
    shared: Mapping[str, Tensor],
    states: Tensor,
    products: Mapping[str, tf.TensorArray],
    upstream: Sequence[Tensor],
) -> list[Tensor]:
    """Gradients in the order (inputs, start, matrices, shared)."""
    length = tf.shape(states)[0]
    before = tf.concat([start[tf.newaxis], states[:-1]], 0)
    constants = list(shared.values())
    multiplications = {name: _transposed(matrix) for name, matrix in matrices.items()}

    def retreat(
        time: Tensor, d_state: Tensor, kept: Mapping[str, Tensor]
    ) -> tuple[list[Tensor], Tensor, list[Tensor], list[Tensor], list[Tensor]]:
        """Gradients through one step, and each product's rows and gradient."""
        rows: dict[str, Tensor] = {}
        taps = {name: tf.zeros_like(product) for name, product in kept.items()}

        def multiply(name: str, x: Tensor) -> Tensor:
            rows[name] = tf.cast(x, kept[name].dtype)

            @tf.custom_gradient
            def replay(x: Tensor, tap: Tensor) -> tuple[Tensor, Any]:
                # `tap` is not used: its gradient is where the product's comes out.
                def gradient(d_product: Tensor) -> tuple[Tensor, Tensor]:
                    d_product = tf.cast(d_product, kept[name].dtype)
                    return wide(multiplications[name](d_product)), d_product

                return tf.identity(wide(kept[name])), gradient

            return replay(x, taps[name])

        state = before[time]
        xs = [x[time] for x in inputs]
        sources = [*xs, state, *taps.values(), *constants]
        with tf.GradientTape() as tape:
            tape.watch(sources)
            new_state, outputs = cell(tuple(xs), state, shared, multiply)
        gradients = tape.gradient(
            [new_state, *outputs],
            sources,
            [d_state + upstream[0][time], *(d[time] for d in upstream[1:])],
            unconnected_gradients=tf.UnconnectedGradients.ZERO,
        )
        d_inputs, gradients = gradients[: len(xs)], gradients[len(xs) :]
        d_state, gradients = gradients[0], gradients[1:]
        d_products = gradients[: len(taps)]
        d_shared = gradients[len(taps) :]
        return d_inputs, d_state, [rows[name] for name in taps], d_products, d_shared

    # In the order of `retreat`: the gradients of inputs, rows, and those of products.
    written = [
        *((x.dtype, x.shape[1:]) for x in inputs),
        *((x.dtype, [start.shape[0], x.shape[-2]]) for x in matrices.values()),
        *((array.dtype, array.element_shape) for array in products.values()),
    ]
    arrays = [
        tf.TensorArray(dtype, size=length, element_shape=shape)
        for dtype, shape in written
    ]

    def body(
        time: Tensor, d_state: Tensor, d_shared: list[Tensor], arrays: list[Any]
    ) -> tuple[Any, ...]:
        kept = {name: array.read(time) for name, array in products.items()}
        d_inputs, d_state, rows, d_products, d_step = retreat(time, d_state, kept)
        d_shared = [total + wide(d) for total, d in zip(d_shared, d_step, strict=True)]
        values = [*d_inputs, *rows, *d_products]
        return time - 1, d_state, d_shared, _write(arrays, time, values)

    _, d_start, d_shared, arrays = tf.while_loop(
        lambda time, *_: time >= 0,
        body,
        (
            length - 1,
            tf.zeros_like(start),
            [wide(tf.zeros_like(x)) for x in constants],
            arrays,
        ),
    )
    stacked = [array.stack() for array in arrays]
    d_inputs, stacked = stacked[: len(inputs)], stacked[len(inputs) :]
    rows, d_products = stacked[: len(matrices)], stacked[len(matrices) :]
    d_shared = [tf.cast(d, x.dtype) for d, x in zip(d_shared, constants, strict=True)]
    d_matrices = [
        _matrix_gradient(x, d, matrix)
        for x, d, matrix in zip(rows, d_products, matrices.values(), strict=True)
    ]
    return [*d_inputs, d_start, *d_matrices, *d_shared]


def _transposed(matrix: Tensor) -> Multiplication:
    """Multiplication by the transposed matrix, or by each sentence's."""
    if matrix.shape.rank == 2:
        # Transposed once, not inside each product: 0.9 ms rather than 2.1 for
        # 64 x 2048 x 512.
        return multiplication(tf.transpose(matrix))
    return lambda rows: product(rows, matrix, transposed=True)


def _matrix_gradient(rows: Tensor, d_products: Tensor, matrix: Tensor) -> Tensor:
    """The sum over time of rows^T d_products, shaped as the matrix."""
    if matrix.shape.rank == 2:
        flat_rows = tf.reshape(rows, [-1, matrix.shape[0]])
        flat_products = tf.reshape(d_products, [-1, matrix.shape[1]])
        return tf.matmul(flat_rows, flat_products, transpose_a=True)
    # [T, B, I] and [T, B, O]: a matrix for each sentence.
    return tf.matmul(tf.transpose(rows, [1, 2, 0]), tf.transpose(d_products, [1, 0, 2]))


def _array(tensor: Tensor, length: Tensor) -> tf.TensorArray:
    return tf.TensorArray(tensor.dtype, size=length, element_shape=tensor.shape)


def _write(arrays: Sequence[Any], time: Tensor, values: Sequence[Tensor]) -> list[Any]:
    return [
        array.write(time, value) for array, value in zip(arrays, values, strict=True)
    ]
