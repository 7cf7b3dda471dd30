"""Ids of source sentences -> hypotheses of ids, by a model and a search.

Knows nothing of text, files or training. Sentences are sorted by length into batches,
each one graph call, some of them at a time, and come back in the order in which they
were given.
"""

import zlib
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, fields, replace
from functools import lru_cache, partial
from typing import Any

import numpy as np
import tensorflow as tf

from nmt.batches import fewer_if_long, longest_first, padded_with_end
from nmt.continuations import IMPOSSIBLE, Limits
from nmt.ensemble import Model
from nmt.hardware import cores
from nmt.search import (
    Hypotheses,
    Start,
    Step,
    beam_search,
    greedy_search,
    sample_search,
)
from nmt.search_settings import BATCH_SIZE, Greedy, Sample, Search, longest_output
from nmt.threads import threads
from nmt.tokenizer import BOS, EOS, PAD, UNK

Tensor = Any
Array = np.ndarray[Any, Any]

NEVER_SAID = (PAD, UNK, BOS)

# Batches of which many hypotheses are looked at have fewer sentences: logits are
# [rows, V].
MOST_ROWS = 4096
MOST_BATCHES_AT_ONCE = 8

# A source position that no target position looked at would cost infinitely much.
LEAST_COVERAGE = 1e-6


@dataclass(frozen=True)
class Hypothesis:
    """One translation; its end of sentence is counted but not in `ids`."""

    ids: list[int]
    log_prob: float  # nats, end of sentence included
    score: float  # what hypotheses are ranked by
    finished: bool  # False: it reached its longest length, where it had to end


def decode(
    model: Model,
    sources: Sequence[Sequence[int]],
    search: Search,
    batch_size: int = BATCH_SIZE,
    prefixes: Sequence[Sequence[int]] | None = None,
) -> list[list[Hypothesis]]:
    """For each source (ids without end of sentence) its hypotheses, best first.

    Each hypothesis begins with the ids of its source's prefix, where there are any: all
    of them, though it be longer than the longest length.
    """
    graph = search_graph(model, _without_limits(search))
    results: list[list[Hypothesis]] = [[]] * len(sources)

    def run(chosen: Sequence[int]) -> None:
        """Searches for one batch."""
        begun = [prefixes[index] if prefixes else () for index in chosen]
        caps = [
            max(_longest(search, len(sources[index])), len(prefix))
            for index, prefix in zip(chosen, begun, strict=True)
        ]
        found = graph(
            tf.constant(padded_with_end([sources[index] for index in chosen])),
            tf.constant(np.array(caps, np.int32)),
            tf.constant(_padded(begun)),
            tf.constant(_draws(search, [sources[i] for i in chosen], max(caps) + 1)),
        )
        for index, cap, hypotheses in zip(chosen, caps, _rows(found), strict=True):
            ranked = sorted(hypotheses, key=lambda found: -found[2])  # stable
            results[index] = [
                Hypothesis(ids, log_prob, score, finished=len(ids) < cap)
                for ids, log_prob, score in ranked[: search.returned]
            ]

    at_once = _batches_at_once()
    size = min(batch_size, MOST_ROWS // search.rows, -(-len(sources) // at_once))
    lengths = [len(source) + 1 for source in sources]
    batches = longest_first(lengths, partial(fewer_if_long, max(1, size)))
    running: list[Future[None]] = []
    try:
        for chosen in batches:
            running.append(threads(at_once).submit(run, chosen))
        for batch in running:
            batch.result()
    finally:
        # Where one has failed or the user has had enough, the others are not begun.
        for batch in running:
            batch.cancel()
    return results


def _batches_at_once() -> int:
    """How many batches to search for at a time: each has memory of its own.

    A GPU computes one after the other: two, so that it does not wait for the processor.
    """
    if tf.config.list_physical_devices("GPU"):
        return 2
    whole_cores = tf.config.threading.get_intra_op_parallelism_threads() == 1
    return min(cores(), MOST_BATCHES_AT_ONCE) if whole_cores else 2


# The models of the last few graphs live as long as these do.
@lru_cache(maxsize=8)
def search_graph(model: Model, search: Search) -> Any:
    """The search as one graph, traced once for all shapes."""
    limits = Limits(EOS, NEVER_SAID, search.min_length)

    @tf.function(
        autograph=False,
        input_signature=[
            tf.TensorSpec([None, None], tf.int32),
            tf.TensorSpec([None], tf.int32),
            tf.TensorSpec([None, None], tf.int32),
            tf.TensorSpec([None, search.rows, None], tf.float32),
        ],
    )
    def find(
        source: Tensor, max_lengths: Tensor, prefix: Tensor, draws: Tensor
    ) -> Hypotheses:
        memory = model.encode(source)
        state = model.start(memory)
        next_logits = model.stepper()

        def blind(tokens: Tensor, state: Any, memory: Any) -> tuple[Tensor, Any]:
            logits, state, _ = next_logits(tokens, state, memory)
            return logits, state

        step: Step = blind
        tokens = tf.fill(tf.shape(max_lengths), BOS)
        start = Start(tokens, state, memory, max_lengths, prefix)
        if isinstance(search, Greedy):
            return greedy_search(step, start, limits)
        if isinstance(search, Sample):
            return sample_search(
                step,
                start,
                limits,
                draws,
                temperature=search.temperature,
                top_k=search.top_k,
                top_p=search.top_p,
            )
        bonus = None
        if search.coverage_penalty:
            real = tf.cast(source != PAD, tf.float32)
            step, start, bonus = _covering(
                next_logits, start, real, search.coverage_penalty
            )
        return beam_search(
            step,
            start,
            limits,
            beam_size=search.beam_size,
            length_penalty=search.length_penalty,
            no_repeat_ngram=search.no_repeat_ngram,
            bonus=bonus,
        )

    return find


def _covering(
    next_logits: Any, start: Start, real: Tensor, weight: float
) -> tuple[Step, Start, Any]:
    """A step whose state also holds the attention [N, S] that each source token got.

    `real` [B, S] is 0 where padding is. Its third part is the bonus of a state.
    """

    def step(tokens: Tensor, state: Any, memory: Any) -> tuple[Tensor, Any]:
        inner, covered = state
        logits, inner, attention = next_logits(tokens, inner, memory[0])
        return logits, (inner, covered + tf.cast(attention, tf.float32))

    def bonus(state: Any, memory: Any) -> Tensor:
        covered, real = state[1], memory[1]
        rows = tf.shape(covered)[0] // tf.shape(real)[0]
        logs = tf.math.log(tf.clip_by_value(covered, LEAST_COVERAGE, 1.0))
        return weight * tf.reduce_sum(logs * tf.repeat(real, rows, 0), 1)

    covering = start._replace(
        state=(start.state, tf.zeros_like(real)), memory=(start.memory, real)
    )
    return step, covering, bonus


def _without_limits(search: Search) -> Search:
    """The same graph serves any max_length, nbest and seed."""
    changes: dict[str, Any] = {"max_length": None, "nbest": 1, "seed": 1}
    names = {field.name for field in fields(search)}
    return replace(search, **{key: changes[key] for key in changes.keys() & names})


def _longest(search: Search, source_length: int) -> int:
    return search.max_length or max(search.min_length, longest_output(source_length))


def _padded(prefixes: Sequence[Sequence[int]]) -> Array:
    """[B, P] int32, -1 where a prefix has ended."""
    rows = np.full([len(prefixes), max(map(len, prefixes))], -1, np.int32)
    for row, prefix in zip(rows, prefixes, strict=True):
        row[: len(prefix)] = prefix
    return rows


def _draws(search: Search, sources: Sequence[Sequence[int]], width: int) -> Array:
    """[B, K, width] float32 in [0, 1); width 0 where nothing is drawn.

    A generator for each (seed, source, sample), read from its start: no number depends
    on what else there is.
    """
    if not isinstance(search, Sample):
        return np.zeros([len(sources), search.rows, 0], np.float32)
    draws = np.empty([len(sources), search.samples, width], np.float32)
    for row, source in zip(draws, sources, strict=True):
        content = zlib.crc32(np.array(source, np.int32).tobytes())
        for number, sample in enumerate(row):
            random = np.random.default_rng([search.seed, content, number])
            sample[:] = random.random(width, np.float32)
    return draws


def _rows(found: Hypotheses) -> list[list[tuple[list[int], float, float]]]:
    """(ids, log-probability, score) of each sentence's hypotheses."""
    tokens, lengths, log_probs, scores = (tensor.numpy() for tensor in found)
    return [
        [
            (ids[:length].tolist(), float(log_prob), float(score))
            for ids, length, log_prob, score in zip(*sentence, strict=True)
            if score > IMPOSSIBLE / 2
        ]
        for sentence in zip(tokens, lengths, log_probs, scores, strict=True)
    ]
