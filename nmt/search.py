"""GREEDY, BEAM and SAMPLING search over any step function; each is one graph loop.

Knows nothing of models, text or attention: a step function is all it sees,

    logits, state = step(tokens, state, memory)

with tokens [N] int32, logits [N, V], and every leaf of the state batch-first [N, ...].
The rows of one sentence stand together: N = B * K. What is the same for all rows of a
sentence, the memory, has leaves [B, ...]; it is shared by the rows, never copied.
Sentences that are done leave the batch (`compaction`).

Shapes: B sentences, K rows of each, L longest allowed output and its end of sentence.

All searches keep these rules
- A hypothesis ends with the end of sentence and only so. One that has `max_lengths`
  tokens is made to end: its log-probability counts that forced end like any other, so
  that every score means the same. Forced beginnings count in the same way.
- log_prob is the sum of natural log-probabilities, end of sentence included.
- Ties go to what was the better hypothesis, then to the lower token id, so that the
  result is a function of the probabilities.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from nmt.compaction import run_until_finished
from nmt.continuations import (
    IMPOSSIBLE,
    Limits,
    Turn,
    best_continuations,
    drawn_continuations,
    repeats,
)

Tensor = Any
State = Any
Memory = Any
Step = Callable[[Tensor, State, Memory], tuple[Tensor, State]]


class Start(NamedTuple):
    """Where a search begins."""

    tokens: Tensor  # [B] int32: what the first step reads
    state: State  # leaves [B, ...]
    memory: Memory  # leaves [B, ...]
    max_lengths: Tensor  # [B] int32: tokens without the end of sentence, at least 1
    prefix: Tensor  # [B, P] int32: ids that the output begins with, then -1


class Hypotheses(NamedTuple):
    """What a search found, best first."""

    tokens: Tensor  # [B, K, L] int32: ids with their end of sentence, then end_id
    lengths: Tensor  # [B, K] int32: tokens without the end of sentence
    log_probs: Tensor  # [B, K] float32, nats
    scores: Tensor  # [B, K] float32; below IMPOSSIBLE / 2: there is no such hypothesis


class Given(NamedTuple):
    """What does not move; every leaf has the rows of a sentence together."""

    memory: Memory
    max_lengths: Tensor  # [B] int32
    prefix: Tensor  # [B, L] int32, -1 where nothing is forced
    draws: Tensor  # [B * K, L] float32 in [0, 1), or [B, 0] where nothing is drawn

    def turn(self, time: Tensor, rows: int) -> Turn:
        """What each of the B * rows rows may output at this time."""
        forced = self.prefix[:, time]
        return Turn(time, tf.repeat(self.max_lengths, rows), tf.repeat(forced, rows))


def greedy_search(step: Step, start: Start, limits: Limits) -> Hypotheses:
    """The most probable token at each step; K = 1, and the score is log_prob."""

    def choose(logits: Tensor, turn: Turn, _: Tensor) -> tuple[Tensor, Tensor]:
        gains, ids = best_continuations(logits, 1, limits, turn)
        return gains[:, 0], ids[:, 0]

    return _single_paths(step, start, limits, choose, 1, tf.zeros([_count(start), 0]))


def sample_search(
    step: Step,
    start: Start,
    limits: Limits,
    draws: Tensor,
    *,
    temperature: float,
    top_k: int,
    top_p: float,
) -> Hypotheses:
    """K independent samples a sentence, in the order in which they were drawn.

    draws [B, K, L or more] in [0, 1) are all the chance there is: sample k of a
    sentence is a function of its probabilities and of draws[b, k]. The score is
    log_prob. The rest as in `drawn_continuations`.
    """
    width = tf.reduce_max(start.max_lengths) + 1
    size = draws.shape[1]

    def choose(logits: Tensor, turn: Turn, chance: Tensor) -> tuple[Tensor, Tensor]:
        return drawn_continuations(
            logits,
            chance[:, turn.time],
            limits,
            turn,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
        )

    chance = tf.reshape(draws[:, :, :width], [-1, width])
    return _single_paths(step, start, limits, choose, size, chance)


class PathsState(NamedTuple):
    """The moving part of a search in which no hypothesis depends on another."""

    last: Tensor  # [B * K] int32
    state: State  # leaves [B * K, ...]
    done: Tensor  # [B * K] bool
    tokens: Tensor  # [B * K, L] int32
    log_probs: Tensor  # [B * K] float32


def _single_paths(
    step: Step,
    start: Start,
    limits: Limits,
    choose: Callable[[Tensor, Turn, Tensor], tuple[Tensor, Tensor]],
    size: int,
    draws: Tensor,
) -> Hypotheses:
    """K hypotheses a sentence; `choose(logits, turn, draws)` is (gains, ids) [N]."""
    sentences = _count(start)
    given = _given(start, draws)
    width = tf.shape(given.prefix)[1]

    def advance(time: Tensor, paths: PathsState, given: Given) -> PathsState:
        logits, state = step(paths.last, paths.state, given.memory)
        gains, ids = choose(logits, given.turn(time, size), given.draws)
        last = tf.where(paths.done, limits.end_id, ids)
        return PathsState(
            last=last,
            state=state,
            done=paths.done | (last == limits.end_id),
            tokens=_written(paths.tokens, time, last),
            log_probs=paths.log_probs + tf.where(paths.done, 0.0, gains),
        )

    rows = sentences * size
    moving = PathsState(
        last=tf.repeat(start.tokens, size),
        state=_repeated(start.state, size),
        done=tf.zeros([rows], tf.bool),
        tokens=tf.fill([rows, width], limits.end_id),
        log_probs=tf.zeros([rows]),
    )
    tokens, log_probs = run_until_finished(
        advance,
        lambda paths: tf.reduce_all(tf.reshape(paths.done, [-1, size]), 1),
        lambda paths: (paths.tokens, paths.log_probs),
        moving,
        given,
        sentences,
    )
    tokens = tf.reshape(tokens, [sentences, size, width])
    log_probs = tf.reshape(log_probs, [sentences, size])
    return Hypotheses(tokens, _lengths(tokens, limits), log_probs, log_probs)


class BeamState(NamedTuple):
    """The moving part of a beam search."""

    last: Tensor  # [B * K] int32
    state: State  # leaves [B * K, ...]
    tokens: Tensor  # [B, K, L] int32: unfinished hypotheses, most probable first
    log_probs: Tensor  # [B, K] float32, IMPOSSIBLE where there is none
    ended_tokens: Tensor  # [B, K, L] int32: finished ones, best score first
    ended_log_probs: Tensor  # [B, K] float32
    ended_scores: Tensor  # [B, K] float32, IMPOSSIBLE where there is none yet


def beam_search(
    step: Step,
    start: Start,
    limits: Limits,
    *,
    beam_size: int,
    length_penalty: float,
    no_repeat_ngram: int = 0,
    bonus: Callable[[State, Memory], Tensor] | None = None,
) -> Hypotheses:
    """The K best finished hypotheses found.

    score = log_prob / length^length_penalty, the end of sentence counted, plus
    `bonus(state, memory)` [N], which must not be positive, of the state that comes with
    the end of sentence.

    A hypothesis finishes when its end of sentence is among the K most probable
    continuations of its sentence; a sentence is done with K finished hypotheses, the
    best of which scores no less than any unfinished one by its probability so far. 2 K
    continuations are looked at each step, since K of them may be ends and K unfinished
    hypotheses must remain.
    """
    size = beam_size
    sentences = _count(start)
    given = _given(start, tf.zeros([sentences, 0]))
    width = tf.shape(given.prefix)[1]

    def advance(time: Tensor, beam: BeamState, given: Given) -> BeamState:
        logits, state = step(beam.last, beam.state, given.memory)
        barred = None
        if no_repeat_ngram:
            told = tf.reshape(beam.tokens, [-1, width])
            barred = repeats(told, time, no_repeat_ngram, logits.shape[-1])
        # The 2 K best of a sentence are among the 2 K best of each of its rows.
        best = min(2 * size, logits.shape[-1])
        gains, ids = best_continuations(
            logits, best, limits, given.turn(time, size), barred
        )
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
        scores = totals / length**length_penalty
        if bonus is not None:
            extra = tf.reshape(bonus(state, given.memory), [-1, size])
            scores += tf.gather(extra, parents, batch_dims=1)
        scores = tf.where(possible & is_end & in_front, scores, IMPOSSIBLE)
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
        first_rows = tf.range(tf.shape(rows)[0])[:, tf.newaxis] * size
        rows = tf.reshape(rows + first_rows, [-1])
        return BeamState(
            last=tf.reshape(tf.gather(ids, alive, batch_dims=1), [-1]),
            state=tf.nest.map_structure(lambda x: tf.gather(x, rows), state),
            tokens=tf.gather(tokens, alive, batch_dims=1),
            log_probs=log_probs,
            ended_tokens=keep(beam.ended_tokens, tokens),
            ended_log_probs=keep(beam.ended_log_probs, totals),
            ended_scores=ended_scores,
        )

    empty = tf.fill([sentences, size, width], limits.end_id)
    none = tf.fill([sentences, size], IMPOSSIBLE)
    # All K rows of a sentence start alike: only the first may count.
    first_only = tf.where(tf.range(size) == 0, 0.0, IMPOSSIBLE)
    moving = BeamState(
        last=tf.repeat(start.tokens, size),
        state=_repeated(start.state, size),
        tokens=empty,
        log_probs=tf.tile(first_only[tf.newaxis], [sentences, 1]),
        ended_tokens=empty,
        ended_log_probs=none,
        ended_scores=none,
    )
    tokens, log_probs, scores = run_until_finished(
        advance,
        lambda beam: tf.reduce_all(beam.log_probs <= IMPOSSIBLE / 2, 1),
        lambda beam: (beam.ended_tokens, beam.ended_log_probs, beam.ended_scores),
        moving,
        given,
        sentences,
    )
    return Hypotheses(tokens, _lengths(tokens, limits), log_probs, scores)


def _count(start: Start) -> Tensor:
    return tf.shape(start.tokens)[0]


def _given(start: Start, draws: Tensor) -> Given:
    """What does not move, with forced ids [B, L] for every time."""
    width = tf.reduce_max(start.max_lengths) + 1
    free = width - tf.shape(start.prefix)[1]
    prefix = tf.pad(start.prefix, [[0, 0], [0, free]], constant_values=-1)
    return Given(start.memory, start.max_lengths, prefix, draws)


def _repeated(structure: Any, times: int) -> Any:
    return tf.nest.map_structure(lambda x: tf.repeat(x, times, 0), structure)


def _written(tokens: Tensor, time: Tensor, ids: Tensor) -> Tensor:
    """tokens [..., L] with ids [...] at position `time`."""
    here = tf.range(tf.shape(tokens)[-1]) == time
    return tf.where(here, ids[..., tf.newaxis], tokens)


def _lengths(tokens: Tensor, limits: Limits) -> Tensor:
    """Tokens [..., L] before the end of sentence: int32 [...]."""
    return tf.reduce_sum(tf.cast(tokens != limits.end_id, tf.int32), -1)
