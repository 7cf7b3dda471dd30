"""A training run, as a user starts it, measured by what it writes down.

Knows nothing of how a training step works. `nmt train` runs in a process of its own, in
a directory that is thrown away, and its metrics.jsonl says how fast it was; the batches
it saw are a function of its configuration, so they are made again to be counted.
"""

import resource
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path

import numpy as np

from nmt import hardware
from nmt.batches import Batch
from nmt.corpus import ParallelCorpus
from nmt.feeding import make_plan, make_stream
from nmt.history import read_history
from nmt.run import OpenRun, RunDirectory, open_run
from speed.operations import (
    Product,
    Work,
    operations,
    padded_work,
    real_work,
    total,
    update,
)


@dataclass(frozen=True)
class Training:
    """What was measured from the second line of metrics on: the first has start-up."""

    updates: int
    batches: int
    seconds: float
    target_tokens: float
    data_wait: float  # share of the time
    padding: float  # share of the target positions
    peak_megabytes: float  # resident, of the whole process
    work: Work  # of all updates, padding counted
    operations: float  # of it
    real_operations: float  # of the same batches without padding
    mean_update: list[Product]  # of a batch of the mean shape


def run(config: Path, overrides: Sequence[str], updates: int, directory: Path) -> int:
    """Trains for so many updates into the directory; the exit code of `nmt train`."""
    ours = {
        "run_dir": directory,
        "training.steps": updates,
        "training.validate_every": updates,
        "training.epochs": "null",
        "training.early_stopping": "null",
    }
    settings = [*overrides, *(f"{key}={value}" for key, value in ours.items())]
    command = [sys.executable, "-m", "nmt", "train", str(config)]
    command += [f"--set={setting}" for setting in settings]
    return subprocess.run(command, stdout=sys.stderr).returncode


def measured(directory: Path) -> Training:
    """The run in the directory, once it has ended."""
    first, *intervals = read_history(directory).train
    last = intervals[-1]["step"]
    opened = open_run(directory)
    batches = [
        batch
        for update in islice(_updates(opened), first["step"], last)
        for batch in update
    ]
    seconds = sum(line["seconds"] for line in intervals)
    tokens = sum(
        line["target_tokens_per_second"] * line["seconds"] for line in intervals
    )
    padded = total(padded_work(batch.source, batch.target_out) for batch in batches)
    real = total(real_work(batch.source, batch.target_out) for batch in batches)
    assert abs(real.target - tokens) < 1, "other batches than those of the run"

    def products(work: Work) -> list[Product]:
        vocabulary = opened.tokenizers.target.vocab_size
        return update(opened.config.model, vocabulary, work)

    waited = sum(line["data_wait"] * line["seconds"] for line in intervals)
    # Never less than this process had when it started the other.
    peak = hardware.peak_memory(resource.RUSAGE_CHILDREN)
    return Training(
        updates=last - first["step"],
        batches=len(batches),
        seconds=seconds,
        target_tokens=tokens,
        data_wait=waited / seconds,
        padding=1 - real.target / padded.target,
        peak_megabytes=peak / 2**20,
        work=padded,
        operations=operations(products(padded)),
        real_operations=operations(products(real)),
        mean_update=products(Work(*(part / len(batches) for part in padded))),
    )


def _updates(opened: OpenRun) -> Iterator[list[Batch]]:
    """The batches of each update of a run, again."""
    config = opened.config
    corpus = ParallelCorpus(RunDirectory(opened.directory).corpus)
    for epoch in count():
        plan = make_plan(config, corpus, epoch)
        stream = make_stream(config, corpus, opened.tokenizers, plan, epoch)
        while batches := list(islice(stream, config.training.accumulate)):
            yield [Batch(*map(np.asarray, batch)) for batch in batches]
