"""The cells: attention and GRU put together, and the encoder's; a time step each.

Knows nothing of where weights come from: a cell is a function as `recurrence.scan`
takes it. The decoder's read from `shared`

    keys [B, S, A]   mask [B, S]   direction [A] (additive attention only)
    recurrent_bias [3 D]   state_mask [N, D] (where recurrent dropout is on)
    and, for each product NAME that is to be layer-normalised, NAME_norm [2, size]

and multiply by the matrices named below and by `context` [B, S, 3 D], a sentence's own:
the encoder's states times C_z, C_r and C, side by side. For what the GRU wants of the
context c_i = sum_j a_ij h_j is C c_i, and that is sum_j a_ij (C h_j), whose C h_j are
the same at every step. Each of them returns (state [N, D], (weights [N, S],)).

Shapes: N = B * K rows, the K of a sentence together; D decoder size, A query and key
size (D without additive attention), S source positions.
"""

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from nmt.attention import additive_scores, attention_weights, dot_scores
from nmt.layers import layer_norm
from nmt.recurrence import Multiply, gru

Tensor = Any
Shared = Mapping[str, Tensor]
Output = tuple[Tensor, tuple[Tensor]]


def gru_cell(
    inputs: tuple[Tensor, ...], state: Tensor, shared: Shared, multiply: Multiply
) -> Output:
    """Bahdanau et al. 2015, appendix A.1.2: the query is the previous state s_{i-1}.

    inputs: (W E y_{i-1} + b [N, 3 D],). Matrices: `state` [D, A + 3 D] holds the
    attention's W beside U_z, U_r and U, since all four multiply s_{i-1}; without
    additive attention it is [D, 3 D].
    """
    (embedded,) = inputs
    query, recurrent = _query_and_recurrent(state, shared, multiply)
    weights = _attend(query, shared)
    context = normalized(multiply("context", weights), shared, "context")
    return gru(embedded + context, recurrent, state), (weights,)


def conditional_gru_cell(
    inputs: tuple[Tensor, ...], state: Tensor, shared: Shared, multiply: Multiply
) -> Output:
    """Sennrich et al. 2017 (Nematus): GRU on E y_{i-1}, attention, GRU on the context.

    The query is the first GRU's state s'_i. inputs: (W E y_{i-1} + b [N, 3 D],).
    Matrices: `first` [D, 3 D] multiplies s_{i-1}; `state`, as in `gru_cell`, multiplies
    s'_i. Shared besides: `first_bias` [3 D] and `context_bias` [3 D].
    """
    (embedded,) = inputs
    recurrent = normalized(multiply("first", kept(state, shared)), shared, "first")
    between = gru(embedded, recurrent + shared["first_bias"], state)
    query, recurrent = _query_and_recurrent(between, shared, multiply)
    weights = _attend(query, shared)
    context = normalized(multiply("context", weights), shared, "context")
    state = gru(context + shared["context_bias"], recurrent, between)
    return state, (weights,)


DECODER_CELLS: dict[str, Callable[..., Output]] = {
    "gru": gru_cell,
    "conditional_gru": conditional_gru_cell,
}


def encoder_cell(
    inputs: tuple[Tensor, ...], state: Tensor, shared: Shared, multiply: Multiply
) -> tuple[Tensor, tuple[()]]:
    """A plain GRU. inputs: (W x + b [B, 3 H],); matrix `recurrent` [H, 3 H].

    No mask: sentences are padded at the end, so padding comes after all that is read.
    """
    (projected,) = inputs
    recurrent = multiply("recurrent", kept(state, shared)) + shared["recurrent_bias"]
    return gru(projected, recurrent, state), ()


def normalized(x: Tensor, shared: Shared, name: str) -> Tensor:
    """x, layer-normalised where `shared` has a gain and bias of that name."""
    parameters = shared.get(f"{name}_norm")
    return x if parameters is None else layer_norm(x, parameters)


def kept(state: Tensor, shared: Shared) -> Tensor:
    """The state, with recurrent dropout's mask where there is one.

    One mask for all steps: Gal & Ghahramani 2016.
    """
    mask = shared.get("state_mask")
    return state if mask is None else state * mask


def _query_and_recurrent(
    state: Tensor, shared: Shared, multiply: Multiply
) -> tuple[Tensor, Tensor]:
    """Query [N, A] and U s + b [N, 3 D] of a state [N, D]: one product.

    The query is W s with additive attention; with the others it is s itself.
    """
    product = multiply("state", kept(state, shared))
    size = shared["recurrent_bias"].shape[-1]
    if "direction" in shared:
        query, product = tf.split(product, [product.shape[-1] - size, size], -1)
        query = normalized(query, shared, "query")
    else:
        query = state
    return query, normalized(product, shared, "recurrent") + shared["recurrent_bias"]


def _attend(query: Tensor, shared: Shared) -> Tensor:
    """Weights [N, S] for query [N, A]."""
    keys = shared["keys"]
    # In the type of the keys: [B, K, S, A] is the largest thing of a step.
    queries = tf.cast(query, keys.dtype)
    queries = tf.reshape(queries, [tf.shape(keys)[0], -1, query.shape[-1]])  # [B, K, A]
    if "direction" in shared:
        scores = additive_scores(queries, keys, shared["direction"])
    else:
        scores = dot_scores(queries, keys)
    weights = attention_weights(scores, shared["mask"])  # [B, K, S]
    return tf.cast(tf.reshape(weights, [-1, tf.shape(keys)[1]]), query.dtype)
