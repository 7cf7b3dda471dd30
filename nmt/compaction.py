"""A loop over a batch of sentences that the finished ones leave.

Knows nothing of what is done to a sentence at each step. A tensor of `moving` or
`given` has the rows of one sentence together on its first axis: [B * K, ...] for any K.

A batch is done when its longest translation is, and half of the work would be on
sentences that have long ended. So whenever a quarter of them has, the others are put
together and the loop goes on with these.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

Tensor = Any
Nest = Any  # tensors, in tuples, named tuples or dicts


def run_until_finished(
    advance: Callable[[Tensor, Nest, Nest], Nest],
    finished: Callable[[Nest], Tensor],
    result: Callable[[Nest], Nest],
    moving: Nest,
    given: Nest,
    sentences: Tensor,
) -> Nest:
    """`result(moving)` of each sentence at a time when it had finished.

    `advance(time, moving, given)` is a step's new `moving`; time counts from 0.
    `finished(moving)` [B] bool must stay true for a sentence once it is, and its part
    of `result(moving)` the same from then on: it is read some steps later. `sentences`
    is the scalar B. What `advance` does to a sentence may not depend on the others.
    """

    def go_on_with(
        time: Tensor, results: Nest, moving: Nest, given: Nest, places: Tensor
    ) -> tuple[Any, ...]:
        """Until a quarter of the sentences has finished; then takes these out."""
        enough = tf.size(places) * 3 // 4

        def unfinished(time: Tensor, moving: Nest) -> Tensor:
            return tf.math.count_nonzero(~finished(moving), dtype=tf.int32) > enough

        time, moving = tf.while_loop(
            unfinished,
            lambda time, moving: (time + 1, advance(time, moving, given)),
            (time, moving),
            shape_invariants=_any_batch((time, moving)),
        )
        results = tf.nest.map_structure(
            lambda all, some: _put_back(all, places, some, sentences),
            results,
            result(moving),
        )
        going = tf.where(~finished(moving))[:, 0]
        count = tf.size(places)
        moving, given = tf.nest.map_structure(
            lambda x: _taken(x, going, count), (moving, given)
        )
        return time, results, moving, given, tf.gather(places, going)

    variables = (tf.constant(0), result(moving), moving, given, tf.range(sentences))
    _, results, *_ = tf.while_loop(
        lambda time, results, moving, given, places: tf.size(places) > 0,
        go_on_with,
        variables,
        shape_invariants=_any_batch(variables),
    )
    return results


def _taken(x: Tensor, places: Tensor, count: Tensor) -> Tensor:
    """The rows of x [count * K, ...] that belong to the sentences at `places`."""
    tail = tf.shape(x)[1:]
    by_sentence = tf.reshape(x, tf.concat([[count, -1], tail], 0))
    rows = tf.reshape(tf.gather(by_sentence, places), tf.concat([[-1], tail], 0))
    return tf.ensure_shape(rows, [None, *x.shape[1:]])


def _put_back(all: Tensor, places: Tensor, some: Tensor, sentences: Tensor) -> Tensor:
    """`all` [B * K, ...] with the rows of the sentences at `places` from `some`."""
    shape = tf.shape(all)
    by_sentence = tf.reshape(all, tf.concat([[sentences, -1], shape[1:]], 0))
    new = tf.reshape(some, tf.concat([[tf.size(places), -1], shape[1:]], 0))
    by_sentence = tf.tensor_scatter_nd_update(by_sentence, places[:, tf.newaxis], new)
    return tf.ensure_shape(tf.reshape(by_sentence, shape), [None, *all.shape[1:]])


def _any_batch(structure: Nest) -> Nest:
    """Shapes for a loop in which every first axis may change."""
    return tf.nest.map_structure(
        lambda x: tf.TensorShape([None, *x.shape[1:]] if x.shape.rank else []),
        structure,
    )
