"""(seed, epoch) to a plan of batches, and a plan to a stream of padded batches.

Knows nothing of models.

Letters: B rows of a batch, S source length, T target length, both with one special
token. The shift between what the decoder reads and what it is to say happens here only.
"""

import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from nmt.corpus import SIDES, ParallelCorpus, Side
from nmt.tokenizer import BOS, EOS, PAD, TokenizerPair

# Batches ready before they are asked for.
PREFETCHED = 4
# Batches of longer sentences have fewer of them, so that one line as long as a book
# does not have its neighbours padded to its length.
USUAL_LENGTH = 128

Plan = list[NDArray[np.int64]]

# What a graph that takes a Batch is traced for.
BATCH_SIGNATURE = [tf.TensorSpec([None, None], tf.int32)] * 3


class Batch(NamedTuple):
    """Sentence pairs side by side, each row filled up with PAD: int32 arrays."""

    source: Any
    """[B, S]: ids, EOS."""
    target_in: Any
    """[B, T]: BOS, ids."""
    target_out: Any
    """[B, T]: ids, EOS."""


def pack(
    source: Sequence[Sequence[int]] | Sequence[NDArray[Any]],
    target: Sequence[Sequence[int]] | Sequence[NDArray[Any]],
) -> Batch:
    """A batch of at least one pair of id sequences without special tokens."""
    target_out = padded_with_end(target)
    target_in = np.full_like(target_out, BOS)
    target_in[:, 1:] = np.where(target_out == EOS, PAD, target_out)[:, :-1]
    return Batch(padded_with_end(source), target_in, target_out)


def plan_epoch(
    source_lengths: NDArray[np.int32],
    target_lengths: NDArray[np.int32],
    *,
    seed: int,
    epoch: int,
    batch_size: int | None = None,
    batch_tokens: int | None = None,
) -> Plan:
    """Batches of indices, each pair in exactly one; a function of its arguments.

    Either batch_size pairs a batch, or as many as keep the target side, EOS and
    padding counted, within batch_tokens (a longer pair is a batch of its own). Pairs
    of equal length meet at random, and batches come in random order.
    """
    assert (batch_size is None) != (batch_tokens is None)
    random = np.random.default_rng([seed, epoch])
    order = random.permutation(len(target_lengths))
    # By target length, then source length: stable sorts, the first key last.
    for lengths in (source_lengths, target_lengths):
        order = order[np.argsort(lengths[order], kind="stable")]
    if batch_size is not None:
        starts = list(range(0, len(order), batch_size))
    else:
        assert batch_tokens is not None
        starts = list(_starts(target_lengths[order] + 1, batch_tokens))
    batches = np.split(order, starts[1:])
    return [batches[index] for index in random.permutation(len(batches))]


def serve(
    corpus: ParallelCorpus,
    plan: Plan,
    *,
    sampling: float,
    tokenizers: TokenizerPair,
    seed: int,
    epoch: int,
    first: int = 0,
) -> Iterator[Batch]:
    """The batches plan[first:], in order, made ahead of their use: tensors.

    With sampling above 0 each sentence is segmented anew, as a function of (seed,
    epoch, number of the batch in the plan, side). Such sentences are longer than those
    that were planned: by a fifth on Multi30k, with BPE-dropout of 0.1.
    """

    def sequences(side: Side, number: int) -> Sequence[Any]:
        if not sampling:
            return getattr(corpus, side)(plan[number])
        sequence = np.random.SeedSequence([seed, epoch, number, SIDES.index(side)])
        return getattr(tokenizers, side).sample(
            corpus.texts(side, plan[number]),
            sampling,
            int(sequence.generate_state(1)[0]),
        )

    def batch(number: NDArray[np.int64]) -> Batch:
        return pack(sequences("source", int(number)), sequences("target", int(number)))

    # TensorFlow keeps what it calls to the end of the process: without this, the plans
    # of all epochs, and the corpus with its open files.
    while_served = weakref.proxy(batch)

    # As it is: converting it takes time, and leaves a file where a kill comes.
    @tf.autograph.experimental.do_not_convert
    def traced_batch(number: tf.Tensor) -> Batch:
        arrays = tf.numpy_function(
            lambda number: while_served(number), [number], Batch(*[tf.int32] * 3)
        )
        return Batch(*(tf.ensure_shape(array, [None, None]) for array in arrays))

    # Not Dataset.from_generator: it sets malloc's trim threshold back to 128 kB for
    # the whole process, so that every training step faults its memory in again.
    batches = tf.data.Dataset.range(first, len(plan)).map(traced_batch)
    # Nothing here can be tuned, and the thread that would is waited for at each end of
    # an epoch: a second or two, at times.
    untuned = tf.data.Options()
    untuned.autotune.enabled = False
    stream = iter(batches.prefetch(PREFETCHED).with_options(untuned))
    try:
        yield from stream
    finally:
        del stream  # its thread, which calls `batch`, ends first


def longest_first(
    lengths: Sequence[int], rows: Callable[[int], int]
) -> Iterator[list[int]]:
    """Places of sentences of about equal lengths; memory is short at once or never.

    As many go together as `rows` has for the length of the longest, one at least.
    """
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    while order:
        size = max(1, rows(lengths[order[-1]]))
        yield order[-size:]
        del order[-size:]


def fewer_if_long(batch_size: int, length: int) -> int:
    """How many sentences of that length, end of sentence included, are a batch."""
    return min(batch_size, batch_size * USUAL_LENGTH // length)


def padded_with_end(sequences: Sequence[Any]) -> NDArray[np.int32]:
    """[rows, longest + 1]: each sequence, EOS, and PAD up to the longest."""
    lengths = np.fromiter(map(len, sequences), np.int64, len(sequences))
    matrix = np.full((len(sequences), lengths.max() + 1), PAD, np.int32)
    matrix[np.arange(matrix.shape[1]) < lengths[:, None]] = np.concatenate(sequences)
    matrix[np.arange(len(sequences)), lengths] = EOS
    return matrix


def _starts(lengths: NDArray[np.int32], budget: int) -> Iterator[int]:
    """Where batches begin that keep rows x longest within the budget.

    lengths: of all rows, ascending.
    """
    start = 0
    while start < len(lengths):
        yield start
        # No batch can have more rows than if all were as short as its first.
        window = lengths[start : start + budget // int(lengths[start])]
        sizes = window * np.arange(1, len(window) + 1)
        start += max(1, int(np.searchsorted(sizes, budget, side="right")))
