"""One update, or one search, of an exact shape: its time, operations, peak memory.

Knows nothing of text: the ids are random, and the weights as they start.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from nmt import hardware
from nmt.batches import pack
from nmt.config import Config
from nmt.cores import use_cores
from nmt.decoding import decode
from nmt.opening import make_updater
from nmt.search_settings import Beam
from nmt.tokenizer import EOS, TokenizerPair
from speed.operations import forward, operations, padded_work, search_work, update

REPETITIONS = 5


@dataclass(frozen=True)
class Point:
    """What is measured: an update or, with a beam, a search."""

    vocabulary: int = 8000
    length: int = 25  # positions of every sentence, source and target, ends counted
    batch: int = 64  # sentences
    beam: int | None = None


@dataclass(frozen=True)
class Measured:
    point: Point
    seconds: float  # median of REPETITIONS
    operations: float
    target_tokens: float  # ends counted; of a search, those of the best hypotheses
    peak_megabytes: float  # resident, of the whole process
    weights_megabytes: float  # of the model alone: training holds some four times that


def measured(config: Config, point: Point) -> Measured:
    """The point, after one run that is not counted.

    To be called once in a process: its peak memory is that of all it ever did.
    """
    size = point.vocabulary
    vocabulary = SimpleNamespace(vocab_size=size)
    tokenizers = SimpleNamespace(source=vocabulary, target=vocabulary)
    training = config.training.model_copy(update={"batch_size": point.batch})
    parts = use_cores(training, {}).parts if point.beam is None else 1
    updater = make_updater(
        config, cast(TokenizerPair, tokenizers), config.training.seed, parts=parts
    )
    ids = np.random.default_rng(1).integers(
        EOS + 1, size, [2, point.batch, point.length - 1]
    )
    batch = pack(*ids)

    if point.beam is None:
        batches = [batch] * config.training.accumulate
        work = padded_work(batch.source, batch.target_out)
        products = update(config.model, size, work) * len(batches)
        tokens = len(batches) * work.outputs
        seconds = median_seconds(lambda: updater.update(batches, 1, 0.0).loss.numpy())
    else:
        given = point.length - 1
        search = Beam(beam_size=point.beam, min_length=given, max_length=given)
        lengths = [point.length] * point.batch
        products = forward(
            config.model, size, search_work(lengths, lengths, point.beam)
        )
        tokens = sum(lengths)
        seconds = median_seconds(
            lambda: decode(updater.model, ids[0], search, point.batch)
        )
    return Measured(
        point=point,
        seconds=seconds,
        operations=float(operations(products)),
        target_tokens=float(tokens),
        peak_megabytes=hardware.peak_memory() / 2**20,
        weights_megabytes=4 * updater.model.parameters.count / 2**20,
    )


def median_seconds(work: Callable[[], Any]) -> float:
    """Of REPETITIONS, after one that traces the graph and warms up."""
    work()
    seconds = []
    for _ in range(REPETITIONS):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)
