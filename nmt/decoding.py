"""Ids of source sentences -> hypotheses of ids, by a model and a search.

Knows nothing of text, files or training. Sentences are sorted by length into batches,
each one graph call, and come back in the order in which they were given.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import tensorflow as tf

from nmt.batches import padded_with_end
from nmt.model import TranslationModel
from nmt.search import IMPOSSIBLE, Hypotheses, Limits, beam_search, greedy_search
from nmt.tokenizer import BOS, EOS, PAD, UNK

Tensor = Any


@dataclass(frozen=True)
class SearchOptions:
    """How to search; lengths are tokens without the end of sentence.

    Raises: ValueError for what cannot be searched for.
    """

    method: Literal["greedy", "beam"] = "beam"
    beam_size: int = 5  # hypotheses kept; beam only
    length_penalty: float = 1.0  # A in score = log_prob / length^A; beam only
    min_length: int = 0
    # None: the larger of `longest_output` of the sentence's own source and min_length.
    max_length: int | None = None
    nbest: int = 1  # hypotheses returned, at most beam_size; beam only

    def __post_init__(self) -> None:
        found = self.beam_size if self.method == "beam" else 1
        if not 1 <= self.nbest <= found:
            raise ValueError(
                f"nbest {self.nbest} is not between 1 and {found}, the number of "
                f"hypotheses that this {self.method} search finds"
            )
        shortest = max(1, self.min_length)
        if self.max_length is not None and self.max_length < shortest:
            raise ValueError(
                f"max_length {self.max_length} is less than {shortest}, the shortest "
                f"that it may be with min_length {self.min_length}"
            )


@dataclass(frozen=True)
class Hypothesis:
    """One translation; its end of sentence is counted but not in `ids`."""

    ids: list[int]
    log_prob: float  # nats, end of sentence included
    score: float  # what hypotheses are ranked by
    finished: bool  # False: it was made to end at its longest length


def longest_output(source_length: int) -> int:
    """The default longest output for a source of that many tokens.

    Of its own source only: never of what else is in the batch.
    """
    return 2 * source_length + 10


def decode(
    model: TranslationModel,
    sources: Sequence[Sequence[int]],
    options: SearchOptions,
    batch_size: int = 64,
) -> list[list[Hypothesis]]:
    """For each source (ids without end of sentence) its hypotheses, best first."""
    # Not in the graph: max_length and nbest, so they share one.
    search = _search(model, replace(options, max_length=None, nbest=1))
    order = sorted(range(len(sources)), key=lambda index: len(sources[index]))
    results: list[list[Hypothesis]] = [[]] * len(sources)
    for first in range(0, len(order), batch_size):
        chosen = order[first : first + batch_size]
        rows = padded_with_end([sources[index] for index in chosen])
        caps = [
            options.max_length
            or max(options.min_length, longest_output(len(sources[index])))
            for index in chosen
        ]
        found = search(tf.constant(rows), tf.constant(np.array(caps, np.int32)))
        for index, cap, hypotheses in zip(chosen, caps, _rows(found), strict=True):
            results[index] = [
                Hypothesis(ids, log_prob, score, finished=len(ids) < cap)
                for ids, log_prob, score in hypotheses[: options.nbest]
            ]
    return results


@functools.lru_cache(maxsize=8)
def _search(model: TranslationModel, options: SearchOptions) -> Any:
    """The search as one graph, traced once for all shapes."""

    @tf.function(
        autograph=False,
        input_signature=[
            tf.TensorSpec([None, None], tf.int32),
            tf.TensorSpec([None], tf.int32),
        ],
    )
    def search(source: Tensor, max_lengths: Tensor) -> Hypotheses:
        memory = model.encode(source)

        def step(tokens: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
            logits, state, _ = model.step(tokens, state, memory)
            return logits, state

        start_tokens = tf.fill(tf.shape(max_lengths), BOS)
        limits = Limits(EOS, (PAD, UNK, BOS), max_lengths, options.min_length)
        if options.method == "greedy":
            return greedy_search(step, model.start(memory), start_tokens, limits)
        return beam_search(
            step,
            model.start(memory),
            start_tokens,
            limits,
            beam_size=options.beam_size,
            length_penalty=options.length_penalty,
        )

    return search


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
