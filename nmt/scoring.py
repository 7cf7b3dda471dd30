"""Pairs of ids -> log-probabilities and attention of the known target: teacher forcing.

Knows nothing of text or files. Stepping with the same tokens gives the same numbers, so
this is also where the attention of any search's output comes from.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from nmt.batches import BATCH_SIGNATURE, longest_first, pack
from nmt.ensemble import Model
from nmt.layers import softmax_and_normalizer
from nmt.tokenizer import PAD

Tensor = Any
Array = np.ndarray[Any, np.dtype[np.float32]]
Ids = Sequence[Sequence[int]]

# Logits of so many positions, or of one pair, are held at a time (8,000 ids: 64 MB).
POSITIONS = 2048


def score(model: Model, sources: Ids, targets: Ids) -> list[float]:
    """Each target's natural log-probability, its end of sentence included.

    Ids of sources and targets are without end of sentence.
    """
    totals = _by_batch(_score_graph(model), sources, targets, POSITIONS)
    return [float(total) for total, _, _ in totals]


def attend(model: Model, sources: Ids, targets: Ids) -> list[Array]:
    """Each pair's attention [T + 1, S + 1], ends of sentence last.

    Row i is what the decoder looks at when it makes target token i: weights that sum
    to 1. Ids of sources and targets are without end of sentence.
    """
    found = _by_batch(attention_graph(model), sources, targets, 4 * POSITIONS)
    return [
        np.array(weights[: len(target) + 1, : len(source) + 1])
        for weights, source, target in found
    ]


def _by_batch(
    graph: Callable[..., Tensor], sources: Ids, targets: Ids, positions: int
) -> list[tuple[Any, Sequence[int], Sequence[int]]]:
    """(a row of the graph's result, source, target) in the order given."""
    longest = [max(map(len, pair)) + 1 for pair in zip(sources, targets, strict=True)]
    results: list[Any] = [None] * len(sources)
    for chosen in longest_first(longest, lambda length: positions // length):
        some = [sources[index] for index in chosen], [targets[i] for i in chosen]
        rows = graph(*pack(*some)).numpy()
        for index, row, source, target in zip(chosen, rows, *some, strict=True):
            results[index] = row, source, target
    return results


@functools.lru_cache(maxsize=8)
def _score_graph(model: Model) -> Any:
    @_for_batches
    def score(source: Tensor, target_in: Tensor, target_out: Tensor) -> Tensor:
        readouts, _ = model.teacher_forced(source, target_in)
        logits = model.logits(readouts)  # [T, B, V]
        targets = tf.transpose(target_out)
        _, normalizers = softmax_and_normalizer(logits)
        log_probs = tf.gather(logits, targets, batch_dims=2) - normalizers
        return tf.reduce_sum(tf.where(targets == PAD, 0.0, log_probs), 0)

    return score


@functools.lru_cache(maxsize=8)
def attention_graph(model: Model) -> Any:
    """Teacher forcing of a batch, traced once for a model: attention [B, T, S]."""

    @_for_batches
    def attend(source: Tensor, target_in: Tensor, target_out: Tensor) -> Tensor:
        _, attention = model.teacher_forced(source, target_in)
        return tf.cast(tf.transpose(attention, [1, 0, 2]), tf.float32)

    return attend


def _for_batches(function: Callable[..., Tensor]) -> Any:
    return tf.function(function, input_signature=BATCH_SIGNATURE, autograph=False)
