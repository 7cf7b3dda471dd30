"""The worst batch, before a long run can fail on it; and what a run will take.

Knows nothing of the loop.
"""

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nmt import hardware
from nmt.batches import Batch, Plan
from nmt.config import Config
from nmt.cores import use_cores
from nmt.corpus import ParallelCorpus
from nmt.distribution import distribute
from nmt.errors import RunError, is_out_of_memory
from nmt.feeding import make_plan, make_stream, open_corpus
from nmt.opening import load_validation, make_updater
from nmt.pretrained import open_pretrained
from nmt.signals import apart
from nmt.tokenizer import TokenizerPair, train_tokenizers
from nmt.update import Updater


def dry_run(config: Config) -> str:
    """Runs the worst batch, forward, backward and update, and leaves no trace.

    What is returned says, for people, how long it took, the memory at its peak, and
    how long an epoch and the run will take.

    Raises: NmtError for what `starting.train` would refuse in the data, and where the
    memory is too small.
    """
    parts = use_cores(config.training, {}).parts
    distribution = distribute(
        config.training.strategy, deterministic=config.training.deterministic
    )
    with distribution.together(), tempfile.TemporaryDirectory() as directory:
        load_validation(config)
        # The run directory, if there is one, stays as it is.
        pretrained = open_pretrained(config)
        tokenizers = (
            pretrained.tokenizers
            if pretrained is not None
            else apart(lambda: train_tokenizers(config.tokenizer, config.data.train))
        )
        corpus = open_corpus(config, tokenizers, Path(directory) / "corpus")
        plan = make_plan(config, corpus, epoch=0)
        updater = make_updater(
            config, tokenizers, config.training.seed, distribution, parts
        )
        worst = worst_batch(config, corpus, tokenizers, plan)
        with enough_memory(config):
            rehearse(config, worst, updater)  # traces the graph as well
            seconds = rehearse(config, worst, updater)
            peak = hardware.peak_memory() / 2**20
            of_gpu = hardware.gpu_peak()
            epoch = _seconds_an_epoch(config, corpus, tokenizers, plan, updater)
    updates = -(-len(plan) // config.training.accumulate)
    on_gpu = f" and {of_gpu / 2**20:,.0f} MB of the GPU's" if of_gpu else ""
    return (
        f"worst batch: {describe(worst)}; {seconds:.2f} s an update of it, peak memory "
        f"{peak:,.0f} MB{on_gpu}; about {_spoken(epoch)} an epoch of {updates:,} "
        f"updates, {_spoken(_whole(config, updates, epoch))} to the end, validation "
        "not counted"
    )


def rehearse(config: Config, worst: Batch, updater: Updater) -> float:
    """The seconds of an update by the worst batch; no number has changed.

    The updater is at its start: its moments are 0.
    """
    scale = updater.loss_scale
    before = scale.values() if scale is not None else {}
    seconds = _seconds(updater, worst, config)
    if scale is not None:
        scale.assign(**before)
    updater.adam.reset()
    return seconds


def worst_batch(
    config: Config, corpus: ParallelCorpus, tokenizers: TokenizerPair, plan: Plan
) -> Batch:
    """The batch of the plan that takes the most memory, as far as the plan tells."""
    worst = max(plan, key=lambda indices: _size(corpus, indices))
    return _batch(config, corpus, tokenizers, worst)


def describe(batch: Batch) -> str:
    """The batch's size in words."""
    rows, length = batch.target_out.shape
    return f"{rows} pairs, {batch.source.shape[1]} source and {length} target tokens"


@contextmanager
def enough_memory(config: Config) -> Iterator[None]:
    """A block of training.

    Raises: RunError with the keys to turn, where the memory does not suffice.
    """
    try:
        yield
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        training = config.training
        key, value = (
            ("batch_size", training.batch_size)
            if training.batch_size is not None
            else ("batch_tokens", training.batch_tokens)
        )
        raise RunError(
            f"{config.run_dir}: out of memory; lower training.{key} (now {value}; with "
            "training.accumulate raised as much the updates stay as large), or "
            f"data.max_length (now {config.data.max_length}); a run that has a "
            "checkpoint takes these with --restart only; what was saved is as it was"
        ) from error


def _seconds(updater: Updater, batch: Batch, config: Config) -> float:
    start = time.perf_counter()
    # A rate of 0: weights, and with them their average, stay what they are.
    report = updater.update([batch] * config.training.accumulate, 1, 0.0)
    float(report.loss)  # waits for it
    return time.perf_counter() - start


def _seconds_an_epoch(
    config: Config,
    corpus: ParallelCorpus,
    tokenizers: TokenizerPair,
    plan: Plan,
    updater: Updater,
) -> float:
    """An estimate: time grows by a line with the size, through two batches' times."""
    order = sorted(plan, key=lambda indices: _size(corpus, indices))
    chosen = [order[len(order) // 4], order[3 * len(order) // 4]]
    sizes = [_size(corpus, indices) for indices in chosen]
    times = []
    for indices in chosen:
        batch = _batch(config, corpus, tokenizers, indices)
        times.append(min(_seconds(updater, batch, config) for _ in range(2)))
    total = sum(_size(corpus, indices) for indices in plan)
    fixed, slope = line(sizes, times)
    return (fixed * len(plan) + slope * total) / config.training.accumulate


def line(sizes: Sequence[int], times: Sequence[float]) -> tuple[float, float]:
    """What two batches' times, the smaller one's first, have fixed and by size.

    Neither is less than 0: where sizes are nearly equal, times differ by noise alone.
    """
    slope = max(0.0, (times[1] - times[0]) / max(1, sizes[1] - sizes[0]))
    slope = min(slope, times[0] / sizes[0])
    return times[0] - slope * sizes[0], slope


def _whole(config: Config, updates: int, epoch: float) -> float:
    """The seconds to the first end that the configuration sets."""
    epochs, steps = config.training.epochs, config.training.steps
    ends = [float(epochs)] if epochs is not None else []
    ends += [steps / updates] if steps is not None else []
    return epoch * min(ends)


def _spoken(seconds: float) -> str:
    """A time for people: 45 seconds, 12 minutes, 3.5 hours."""
    if seconds < 100:
        return f"{seconds:.0f} seconds"
    if seconds < 100 * 60:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.1f} hours"


def _batch(
    config: Config,
    corpus: ParallelCorpus,
    tokenizers: TokenizerPair,
    indices: NDArray[np.int64],
) -> Batch:
    """These pairs as the first epoch would have them."""
    [batch] = make_stream(config, corpus, tokenizers, [indices], epoch=0)
    return batch


def _size(corpus: ParallelCorpus, indices: NDArray[np.int64]) -> int:
    """Positions of a batch, padding counted: what memory grows with."""
    source = int(corpus.source_lengths[indices].max())
    target = int(corpus.target_lengths[indices].max())
    return (source + target + 2) * len(indices)
