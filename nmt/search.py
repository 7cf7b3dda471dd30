"""GREEDY and BEAM search over any step function; the whole search is one graph loop.

Knows nothing of models, text or attention: a step function is all it sees,

    logits, state = step(tokens, state)

with tokens [N] int32, logits [N, V], and every leaf of the state batch-first [N, ...].
The rows of one sentence stand together: N = B in greedy search, N = B * K in beam
search. Whatever is the same for all rows of a sentence (the encoder's memory) the step
function closes over; it is never copied nor reordered.

Shapes: B sentences, K beam width, L longest allowed output and its end of sentence.

Both searches keep these rules
- A hypothesis ends with the end of sentence and only so. One that has `max_lengths`
  tokens is made to end: its log-probability counts that forced end like any other, so
  that every score means the same.
- log_prob is the sum of natural log-probabilities, end of sentence included; score is
  log_prob / length^A, the end of sentence counted.
- Ties go to what was the better hypothesis, then to the lower token id, so that the
  result is a function of the probabilities.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

Tensor = Any
State = Any
Step = Callable[[Tensor, State], tuple[Tensor, State]]

IMPOSSIBLE = -1e9  # the log-probability of what is not allowed; finite, so it adds up


class Hypotheses(NamedTuple):
    """What a search found, best first."""

    tokens: Tensor  # [B, K, L] int32: ids with their end of sentence, then end_id
    lengths: Tensor  # [B, K] int32: tokens without the end of sentence
    log_probs: Tensor  # [B, K] float32, nats
    scores: Tensor  # [B, K] float32; below IMPOSSIBLE / 2: there is no such hypothesis


class Limits(NamedTuple):
    """What a search may output."""

    end_id: int
    forbidden: tuple[int, ...]  # ids never output (padding, begin of sentence, ...)
    max_lengths: Tensor  # [B] int32: tokens without the end of sentence, at least 1
    min_length: int = 0  # the same count


def greedy_search(
    step: Step, state: State, start_tokens: Tensor, limits: Limits
) -> Hypotheses:
    """The most probable token at each step; K = 1. start_tokens is [B]."""
    batch = tf.shape(start_tokens)[0]
    width = tf.reduce_max(limits.max_lengths) + 1

    def advance(
        time: Tensor,
        last: Tensor,
        state: State,
        done: Tensor,
        tokens: Tensor,
        log_probs: Tensor,
    ) -> tuple[Any, ...]:
        logits, state = step(last, state)
        gains = _allowed(logits, time, limits, limits.max_lengths)
        # Not argmax, which does not promise the lower id of two equals.
        gained, chosen = (best[:, 0] for best in tf.math.top_k(gains, 1))
        last = tf.where(done, limits.end_id, chosen)
        log_probs += tf.where(done, 0.0, gained)
        done |= last == limits.end_id
        return time + 1, last, state, done, _written(tokens, time, last), log_probs

    start = (
        tf.constant(0),
        start_tokens,
        state,
        tf.zeros([batch], tf.bool),
        tf.fill([batch, width], limits.end_id),
        tf.zeros([batch]),
    )
    *_, tokens, log_probs = tf.while_loop(
        lambda time, last, state, done, *_: ~tf.reduce_all(done),
        advance,
        start,
        shape_invariants=_any_batch(start),
        maximum_iterations=width,
    )
    tokens, log_probs = tokens[:, tf.newaxis], log_probs[:, tf.newaxis]
    return Hypotheses(tokens, _lengths(tokens, limits), log_probs, log_probs)


class Beam(NamedTuple):
    """The moving part of a beam search; every leaf is batch-first."""

    tokens: Tensor  # [B, K, L] int32: unfinished hypotheses, most probable first
    log_probs: Tensor  # [B, K] float32, IMPOSSIBLE where there is none
    state: State  # leaves [B * K, ...]
    ended_tokens: Tensor  # [B, K, L] int32: finished ones, best score first
    ended_log_probs: Tensor  # [B, K] float32
    ended_scores: Tensor  # [B, K] float32, IMPOSSIBLE where there is none yet


def beam_search(
    step: Step,
    state: State,
    start_tokens: Tensor,
    limits: Limits,
    *,
    beam_size: int,
    length_penalty: float,
) -> Hypotheses:
    """The K best finished hypotheses found. start_tokens is [B]; state leaves [B, ...].

    A hypothesis finishes when its end of sentence is among the K most probable
    continuations of its sentence; a sentence is done with K finished hypotheses, the
    best of which scores no less than any unfinished one by its probability so far. 2 K
    continuations are looked at each step, since K of them may be ends and K unfinished
    hypotheses must remain.
    """
    size = beam_size
    batch = tf.shape(start_tokens)[0]
    width = tf.reduce_max(limits.max_lengths) + 1
    caps = tf.repeat(limits.max_lengths, size)
    empty = tf.fill([batch, size, width], limits.end_id)
    none = tf.fill([batch, size], IMPOSSIBLE)
    # All K rows of a sentence start alike: only the first may count.
    first_only = tf.where(tf.range(size) == 0, 0.0, IMPOSSIBLE)
    start = Beam(
        tokens=empty,
        log_probs=tf.tile(first_only[tf.newaxis], [batch, 1]),
        state=tf.nest.map_structure(lambda x: tf.repeat(x, size, 0), state),
        ended_tokens=empty,
        ended_log_probs=none,
        ended_scores=none,
    )

    def advance(time: Tensor, last: Tensor, beam: Beam) -> tuple[Tensor, Tensor, Beam]:
        logits, state = step(last, beam.state)
        gains = _allowed(logits, time, limits, caps)  # [B * K, V]
        # The 2 K best of a sentence are among the 2 K best of each of its rows.
        best = min(2 * size, gains.shape[-1])
        gains, ids = tf.math.top_k(gains, best)  # [B * K, 2 K]
        totals = beam.log_probs[..., tf.newaxis] + tf.reshape(gains, [-1, size, best])
        totals = tf.reshape(totals, [-1, size * best])
        totals, places = tf.math.top_k(totals, min(2 * size, size * best))  # [B, 2 K]
        parents = places // best  # [B, 2 K]: the row within the sentence
        ids = tf.gather(tf.reshape(ids, [-1, size * best]), places, batch_dims=1)
        tokens = tf.gather(beam.tokens, parents, batch_dims=1)  # [B, 2 K, L]
        tokens = _written(tokens, time, ids)

        possible = totals > IMPOSSIBLE / 2
        is_end = ids == limits.end_id
        in_front = tf.range(totals.shape[-1]) < size
        length = tf.cast(time + 1, tf.float32)
        scores = tf.where(
            possible & is_end & in_front, totals / length**length_penalty, IMPOSSIBLE
        )
        # The best K of those that had ended and those that end now.
        ended_scores, kept = tf.math.top_k(
            tf.concat([beam.ended_scores, scores], 1), size
        )

        def keep(ended: Tensor, new: Tensor) -> Tensor:
            return tf.gather(tf.concat([ended, new], 1), kept, batch_dims=1)

        # The K most probable that go on; none where the sentence is done, so that
        # nothing can end there any more.
        log_probs, alive = tf.math.top_k(
            tf.where(possible & ~is_end, totals, IMPOSSIBLE), size
        )
        # K that ended are not enough: where one word is nearly certain, improbable
        # early ends are among the K most probable of every step.
        outscored = log_probs[:, :1] / length**length_penalty <= ended_scores[:, :1]
        full = tf.reduce_all(ended_scores > IMPOSSIBLE / 2, -1, keepdims=True)
        log_probs = tf.where(full & outscored, IMPOSSIBLE, log_probs)
        rows = tf.gather(parents, alive, batch_dims=1)
        rows = tf.reshape(rows + tf.range(batch)[:, tf.newaxis] * size, [-1])
        last = tf.reshape(tf.gather(ids, alive, batch_dims=1), [-1])
        beam = Beam(
            tokens=tf.gather(tokens, alive, batch_dims=1),
            log_probs=log_probs,
            state=tf.nest.map_structure(lambda x: tf.gather(x, rows), state),
            ended_tokens=keep(beam.ended_tokens, tokens),
            ended_log_probs=keep(beam.ended_log_probs, totals),
            ended_scores=ended_scores,
        )
        return time + 1, last, beam

    variables = (tf.constant(0), tf.repeat(start_tokens, size), start)
    *_, beam = tf.while_loop(
        lambda time, last, beam: tf.reduce_any(beam.log_probs > IMPOSSIBLE / 2),
        advance,
        variables,
        shape_invariants=_any_batch(variables),
        maximum_iterations=width,
    )
    return Hypotheses(
        beam.ended_tokens,
        _lengths(beam.ended_tokens, limits),
        beam.ended_log_probs,
        beam.ended_scores,
    )


def _allowed(logits: Tensor, time: Tensor, limits: Limits, caps: Tensor) -> Tensor:
    """Log-probabilities [N, V] in float32, IMPOSSIBLE for what may not come now.

    They are not renormalised over what may come: a score stays the model's own.
    """
    log_probs = tf.nn.log_softmax(tf.cast(logits, tf.float32))
    ids = np.arange(logits.shape[-1])
    is_end = tf.constant(ids == limits.end_id)
    barred = np.isin(ids, limits.forbidden) | (is_end & (time < limits.min_length))
    must_end = (time >= caps)[:, tf.newaxis]  # [N, 1]
    return tf.where(tf.where(must_end, ~is_end, barred), IMPOSSIBLE, log_probs)


def _written(tokens: Tensor, time: Tensor, ids: Tensor) -> Tensor:
    """tokens [..., L] with ids [...] at position `time`."""
    here = tf.range(tf.shape(tokens)[-1]) == time
    return tf.where(here, ids[..., tf.newaxis], tokens)


def _lengths(tokens: Tensor, limits: Limits) -> Tensor:
    """Tokens [..., L] before the end of sentence: int32 [...]."""
    return tf.reduce_sum(tf.cast(tokens != limits.end_id, tf.int32), -1)


def _any_batch(structure: Any) -> Any:
    """Shapes for a loop in which every first axis may change its static size."""
    return tf.nest.map_structure(
        lambda x: tf.TensorShape([None, *x.shape[1:]] if x.shape.rank else []),
        structure,
    )
