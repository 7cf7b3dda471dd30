"""How the cores of a CPU share an update: in parts of the batch, and in threads.

Knows nothing of models. An operation on 64 sentences is too small for all cores: most
of what a second core could do goes into dividing it up. Half of the batch on each core,
with every operation undivided, takes 0.87 of the time (2 cores, embeddings 256, decoder
512, vocabulary 8,000; half of these sizes: 0.81). More than 2 cores have not been
measured. A new run has one part on a GPU, and where replicas share its batches.
"""

import contextlib
import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from nmt import hardware
from nmt.config import TrainingConfig
from nmt.distribution import has_replicas

# A part has as many target tokens, and as many sentences, or more: with fewer, the
# products themselves become slower.
PART_TOKENS, PART_SENTENCES = 512, 32
# Each part has gradients of its own for all weights, until they are added up.
MOST_PARTS = 8


class Cores(NamedTuple):
    """What a run keeps, for both decide last digits, and parts its dropout masks."""

    parts: int  # of each batch, computed side by side
    threads: int  # that all operations share, beside the one that began each


def use_cores(training: TrainingConfig, of_run: Mapping[str, Any]) -> Cores:
    """How updates are shared from now on: as the run has had it.

    `of_run` is what the run's last checkpoint says, {} where there is none.
    TensorFlow's own TF_NUM_INTRAOP_THREADS comes before what it says of threads.
    """
    import tensorflow as tf

    text = os.environ.get("TF_NUM_INTRAOP_THREADS", "")
    asked = int(text) if text.isdecimal() else 0
    of_gpu = bool(tf.config.list_physical_devices("GPU"))
    if of_gpu or not of_run.keys() >= {*Cores._fields}:
        of_run = {}  # it was not shared by cores, or nobody knows how
    parts = of_run["parts"] if of_run else _parts(training, asked)
    threads = asked or (of_run["threads"] if of_run else _threads(parts))
    # It is too late where this process has computed before.
    with contextlib.suppress(RuntimeError):
        tf.config.threading.set_intra_op_parallelism_threads(threads)
    used = int(tf.config.threading.get_intra_op_parallelism_threads())
    return Cores(parts, used or hardware.cores())


def settle(training: TrainingConfig, of_run: Mapping[str, Any]) -> dict[str, Any]:
    """`use_cores`, and what else decides last digits here: what checkpoints keep."""
    return {**hardware.numerics(), **use_cores(training, of_run)._asdict()}


def _parts(training: TrainingConfig, threads: int) -> int:
    """Of the batches of a new run, as many as there are cores for, or fewer."""
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU") or has_replicas(training.strategy):
        return 1
    if training.batch_size is not None:
        most = training.batch_size // PART_SENTENCES
    else:
        assert training.batch_tokens is not None
        most = training.batch_tokens // PART_TOKENS
    most = min(most, hardware.cores() // max(1, threads), MOST_PARTS)
    # So that no core is left without one.
    return next(
        parts for parts in range(max(1, most), 0, -1) if hardware.cores() % parts == 0
    )


def _threads(parts: int) -> int:
    """TensorFlow has one pool of threads for all that is computed side by side.

    In a pool of one, an operation stays with the thread that began it.
    """
    cores = hardware.cores()
    return cores if parts == 1 else max(1, cores - parts)
