"""What may come next in a search: limits, the K best tokens, repeats, a drawn token.

Knows nothing of hypotheses, beams or models: it is given logits, one row a hypothesis.

Shapes: N rows, V vocabulary.
"""

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from nmt.layers import log_normalizer, softmax_and_normalizer

Tensor = Any

IMPOSSIBLE = -1e9  # the log-probability of what is not allowed; finite, so it adds up

# Of the vocabulary only the groups with the highest maxima are searched for the K best,
# and of the groups' maxima likewise: a pass over the logits and small searches take a
# quarter of `tf.math.top_k`'s time.
GROUP = 8


class Limits(NamedTuple):
    """What any output may be."""

    end_id: int
    forbidden: tuple[int, ...]  # ids never output (padding, begin of sentence, ...)
    min_length: int = 0  # tokens without the end of sentence


class Turn(NamedTuple):
    """What each row may output now."""

    time: Tensor  # scalar int32: tokens there are already
    max_lengths: Tensor  # [N] int32: tokens without the end of sentence
    forced: Tensor  # [N] int32: the only id that may come, -1 where there is none such


def best_continuations(
    logits: Tensor, count: int, limits: Limits, turn: Turn, barred: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """(log-probabilities, ids), [N, count] each, of the most probable that may come.

    logits [N, V], barred [N, V] bool: ids that may not come besides. IMPOSSIBLE stands
    where fewer may come. Log-probabilities are not renormalised over what may come: a
    score stays the model's own. Ties go to the lower id.
    """
    logits = tf.cast(logits, tf.float32)
    allowed = logits if barred is None else tf.where(barred, IMPOSSIBLE, logits)
    # What is never allowed is few ids: with as many to spare they can be left out of
    # the best, which saves a pass over all logits.
    spare = min(count + len(limits.forbidden) + 1, logits.shape[-1])
    values, ids = _top(allowed, spare)
    largest = ids[:, :1] if barred is None else tf.argmax(logits, -1)[:, tf.newaxis]
    normalizer = log_normalizer(logits, largest)
    is_end = ids == limits.end_id
    never = is_end & (turn.time < limits.min_length)
    for id in limits.forbidden:
        never |= ids == id
    values, places = tf.math.top_k(
        tf.where(never, IMPOSSIBLE, values - normalizer), min(count, spare)
    )
    ids = tf.gather(ids, places, batch_dims=1)
    # Where nothing may come, as repeats are barred and it is too short, it ends.
    nothing = values[:, 0] < IMPOSSIBLE / 2
    only = _only(limits, turn)
    only = tf.where((only < 0) & nothing, limits.end_id, only)[:, tf.newaxis]
    only_value = tf.gather(logits, tf.maximum(only, 0), batch_dims=1) - normalizer
    in_front = tf.range(tf.shape(ids)[1]) == 0
    only_values = tf.where(in_front, only_value, IMPOSSIBLE)
    return tf.where(only < 0, values, only_values), tf.where(only < 0, ids, only)


def repeats(tokens: Tensor, time: Tensor, size: int, vocabulary: int) -> Tensor:
    """[N, V] bool: ids that would end an n-gram of `size` ids that is there already.

    tokens [N, L] hold `time` ids each; what is behind them does not count.
    """
    rows, width = tf.unstack(tf.shape(tokens))
    # at[:, p] is whether the size - 1 ids before p are the last ones, and p is told.
    place = tf.range(width)
    at = tf.broadcast_to((place >= size - 1) & (place < time), [rows, width])
    for back in range(1, size):
        last = tokens[:, tf.maximum(time - back, 0)]
        at &= tf.roll(tokens, back, 1) == last[:, tf.newaxis]
    where = tf.where(at)
    ids = tf.gather_nd(tokens, where)
    found = tf.stack([tf.cast(where[:, 0], tf.int32), ids], -1)
    # Counted as float32: whatever is int32, a GPU leaves to the processor.
    ones = tf.ones_like(ids, tf.float32)
    counts = tf.scatter_nd(found, ones, [rows, vocabulary])
    return counts > 0


def drawn_continuations(
    logits: Tensor,
    draws: Tensor,
    limits: Limits,
    turn: Turn,
    *,
    temperature: float,
    top_k: int,
    top_p: float,
) -> tuple[Tensor, Tensor]:
    """(log-probabilities, ids), both [N], drawn from what may come.

    draws [N] in [0, 1) decide: a row's id is a function of its logits and its draw.
    The distribution is softmax(logits / temperature), cut to the `top_k` most probable
    ids (0: all; Fan, Lewis & Dauphin 2018) and then to the fewest that have `top_p` of
    the probability (Holtzman et al. 2020); the log-probability is the model's own.
    """
    logits = tf.cast(logits, tf.float32)
    ids = np.arange(logits.shape[-1])
    never = tf.constant(np.isin(ids, limits.forbidden))
    never |= tf.constant(ids == limits.end_id) & (turn.time < limits.min_length)
    values = tf.where(never, -np.inf, logits)
    choices = None
    if top_k or top_p < 1:
        values, choices = _top(values, min(top_k or len(ids), len(ids)))
    # Less the largest first: the quotient of a tiny temperature would overflow.
    values -= tf.reduce_max(values, -1, keepdims=True)
    shares = tf.nn.softmax(values / temperature)
    if top_p < 1:
        before = tf.cumsum(shares, -1, exclusive=True)
        # The first counts, though `top_p` be 0 in float32.
        shares = tf.where((before < top_p) | (before == 0), shares, 0.0)
    ends = tf.cumsum(shares, -1)
    # Less than the last end, however it is rounded: a draw is less than 1.
    threshold = draws[:, tf.newaxis] * ends[:, -1:]
    # In float32 as above, exact up to 16 million.
    place = tf.reduce_sum(tf.cast(ends <= threshold, tf.float32), -1, keepdims=True)
    place = tf.cast(place, tf.int32)
    if choices is not None:
        place = tf.gather(choices, place, batch_dims=1)
    chosen = place[:, 0]
    only = _only(limits, turn)
    chosen = tf.where(only < 0, chosen, only)
    gains = tf.gather(logits, chosen, batch_dims=1) - softmax_and_normalizer(logits)[1]
    return gains, chosen


def _only(limits: Limits, turn: Turn) -> Tensor:
    """[N] int32: the only id that may come, -1 where several may."""
    must_end = tf.where(turn.time >= turn.max_lengths, limits.end_id, -1)
    return tf.where(turn.forced >= 0, turn.forced, must_end)


def _top(logits: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The `count` largest of logits [N, V] and their ids; ties to the lower id."""
    vocabulary = logits.shape[-1]
    # On a GPU its own search is fast, and arithmetic on ids goes by the processor.
    few = vocabulary < 4 * GROUP * count
    if few or tf.config.list_physical_devices("GPU"):
        return tf.math.top_k(logits, count)
    missing = -vocabulary % GROUP
    if missing:
        logits = tf.pad(logits, [[0, 0], [0, missing]], constant_values=-np.inf)
    groups = tf.reshape(logits, [-1, (vocabulary + missing) // GROUP, GROUP])
    # Each of the K best is in one of the K groups with the highest maxima; in the order
    # of their ids, so that ties stay in order.
    _, best = _top(tf.reduce_max(groups, -1), count)
    best = tf.sort(best)
    candidates = tf.gather(groups, best, batch_dims=1)  # [N, count, GROUP]
    values, places = tf.math.top_k(tf.reshape(candidates, [-1, count * GROUP]), count)
    group = tf.gather(best, places // GROUP, batch_dims=1)
    return values, group * GROUP + places % GROUP
