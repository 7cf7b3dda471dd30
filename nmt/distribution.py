"""One model on several devices: replicas that each take a share of every batch.

Knows nothing of the model, nor of what is computed. tf.distribute does the work; this
is all that the rest of nmt sees of it.

A worker is a process (on one machine of several, say), a replica is a device of one.
Each replica has a copy of all variables, and the copies stay equal, for all are moved
by the same sums. Without a strategy there is one replica, and nothing here adds a
single operation to a graph.
"""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.eager import context as tensorflow_context

from nmt import hardware
from nmt.cluster import EXAMPLE, Cluster, find_cluster
from nmt.errors import NmtError, in_one_line
from nmt.signals import handled

Tensor = Any

# A worker that does not answer is asked again; then it is lost. At most 3 * (5 + 2)
# seconds, where its machine is gone; where only its process is gone, 3 * 2.
ATTEMPTS, ANSWER_SECONDS, PAUSE_SECONDS = 3, 5, 2
# What TensorFlow may call it where a sum over the workers does not come about.
SIGNS_OF_A_LOSS = (
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.FailedPreconditionError,
    tf.errors.InternalError,
    tf.errors.UnavailableError,
)


class Distribution:
    """The replicas that train one model, here and, with a cluster, elsewhere."""

    def __init__(
        self,
        strategy: tf.distribute.Strategy | None = None,
        cluster: Cluster | None = None,
    ) -> None:
        self._strategy = strategy
        self.replicas = strategy.num_replicas_in_sync if strategy else 1
        self.workers = len(cluster.addresses) if cluster else 1
        self.worker = cluster.index if cluster else 0
        self._ending = threading.Event()
        self._sums = tf.function(
            self._sum_over_workers,
            autograph=False,
            input_signature=[tf.TensorSpec([None], tf.float64)],
        )

    @property
    def is_chief(self) -> bool:
        """Whether this is the worker that writes the run directory, and speaks."""
        return self.worker == 0

    @property
    def described(self) -> str:
        """For people, as "2 replicas on 2 workers"; empty where there is only one."""
        if self.replicas == 1:
            return ""
        workers = f" on {self.workers} workers" if self.workers > 1 else ""
        return f"{self.replicas} replicas{workers}"

    def scope(self) -> AbstractContextManager[Any]:
        """Where variables are made: each replica gets a copy."""
        return self._strategy.scope() if self._strategy else nullcontext()

    def run(self, compute: Callable[[], Any]) -> Any:
        """In a graph: what `compute` gives on the first replica here; all run it."""
        if self._strategy is None:
            return compute()
        results = self._strategy.run(compute)
        return tf.nest.map_structure(
            lambda result: self._strategy.experimental_local_results(result)[0], results
        )

    # Within `run` --------------------------------------------------------------------

    def replica(self) -> Tensor:
        """Which of the replicas, of all workers, computes this: int32, from 0."""
        here = tf.distribute.get_replica_context().replica_id_in_sync_group
        return tf.convert_to_tensor(here)

    def summed(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """Each tensor's sum over the replicas, the same, bit for bit, on all."""
        if self.replicas == 1:
            return list(tensors)
        here = tf.distribute.get_replica_context()
        return here.all_reduce(tf.distribute.ReduceOp.SUM, list(tensors))

    # Outside of it -------------------------------------------------------------------

    def exchange(self, value: Any) -> list[Any]:
        """What each worker gives, in their order, once all have; all get the same.

        It waits for as long as it takes. `value` is anything that JSON can hold.
        """
        if self.workers == 1:
            return [value]
        message = np.frombuffer(json.dumps(value).encode(), np.uint8)
        lengths = np.zeros(self.workers)
        lengths[self.worker] = len(message)
        lengths = self._sums(lengths).numpy().astype(int)
        ends = np.cumsum(lengths)
        everything = np.zeros(ends[-1])
        everything[ends[self.worker] - len(message) : ends[self.worker]] = message
        text = self._sums(everything).numpy().astype(np.uint8)
        return [json.loads(part.tobytes()) for part in np.split(text, ends[:-1])]

    def _sum_over_workers(self, mine: Tensor) -> Tensor:
        def compute() -> Tensor:
            # Of a worker's replicas, the first speaks for all.
            speaks = self.replica() % (self.replicas // self.workers) == 0
            return self.summed([tf.where(speaks, mine, tf.zeros_like(mine))])[0]

        return self.run(compute)

    def chief_first(self, make: Callable[[], Any]) -> Any:
        """What `make` gives; the others find what the chief's call left on the disk."""
        if not self.is_chief:
            self.exchange(None)
            return make()
        made = make()
        self.exchange(None)
        return made

    @contextmanager
    def together(self) -> Iterator[None]:
        """In it a lost worker is the end of the others, within half a minute.

        At its own end it waits for all of them.

        Raises: NmtError where a worker is lost; what was saved is there.
        """
        if self.workers == 1:
            yield
            return
        threading.Thread(target=self._watch, daemon=True).start()
        try:
            with self.losses_named():
                yield
            # Who is through here first may be gone before the others are.
            with suppress(*SIGNS_OF_A_LOSS):
                self.exchange(None)
        finally:
            self._ending.set()

    @contextmanager
    def losses_named(self) -> Iterator[None]:
        """In it what TensorFlow says of a lost worker becomes a message.

        Raises: NmtError where a worker is lost.
        """
        try:
            yield
        except SIGNS_OF_A_LOSS as error:
            if self.workers == 1:
                raise
            # It may be of this one: a GPU's errors have the same types.
            told = in_one_line(f"TensorFlow says: {error.message}", 300)
            raise NmtError(self._loss("another worker", told)) from error

    def _watch(self) -> None:
        """Ends this process once another is gone, whatever this one is doing.

        TensorFlow itself notices only where a sum over the workers is waited for. The
        others look at the chief, and the chief at all of them.
        """
        watched = range(1, self.workers) if self.is_chief else [0]
        while not self._ending.wait(ANSWER_SECONDS):
            for worker in watched:
                if not self._answers(worker) and not self._ending.is_set():
                    print(f"Error: {self._loss(f'worker {worker}')}", file=sys.stderr)
                    os._exit(1)

    def _answers(self, worker: int) -> bool:
        for attempt in range(ATTEMPTS):
            if attempt:
                time.sleep(PAUSE_SECONDS)
            try:
                tensorflow_context.context().check_collective_ops_peer_health(
                    f"/job:worker/replica:0/task:{worker}", ANSWER_SECONDS * 1000
                )
                return True
            except tf.errors.OpError:
                continue
        return False

    def _loss(self, lost: str, told: str = "its own messages may say more") -> str:
        return (
            f"worker {self.worker} of {self.workers}: {lost} is lost (it was ended, or "
            f"its machine or network failed: {told}); training "
            "has stopped here too. The same command on every machine (without "
            "--restart) goes on from the last checkpoint"
        )


# What computes where nobody says otherwise.
ALONE = Distribution()


def distribute(strategy: str, *, deterministic: bool = False) -> Distribution:
    """The distribution that `training.strategy` names, on what there is.

    `deterministic`: its GPUs, too, repeat their bits.

    auto is multi_worker where TF_CONFIG or a SLURM step names several workers, and
    otherwise mirrored where there are several GPUs. Comes before anything is computed.

    Raises: NmtError where there is no such thing, or a GPU that cannot be used.
    """
    for trouble in hardware.gpu_troubles():
        raise NmtError(
            f"{trouble}; to train on the CPU all the same, set CUDA_VISIBLE_DEVICES=-1"
        )
    if deterministic:
        hardware.make_deterministic()
    _make_logical_cpus()
    cluster = _find_cluster(strategy)
    if cluster is not None and len(cluster.addresses) > 1:
        return _join(cluster)
    if strategy == "multi_worker" and cluster is None:
        raise NmtError(
            "training.strategy multi_worker: nothing names the workers; set TF_CONFIG "
            f"on each, for example to {EXAMPLE}, or start them with SLURM's srun"
        )
    gpus = len(tf.config.list_physical_devices("GPU"))
    devices = [f"GPU:{number}" for number in range(gpus)]
    devices = devices or [f"CPU:{number}" for number in range(_logical_cpus())]
    if strategy == "one_device" or len(devices) == 1:
        return ALONE
    return Distribution(tf.distribute.MirroredStrategy(devices))


def has_replicas(strategy: str) -> bool:
    """Whether `distribute` will find several on CPUs: nothing is started by asking.

    Raises: NmtError as `distribute` does.
    """
    cluster = _find_cluster(strategy)
    workers = 1 if cluster is None else len(cluster.addresses)
    return workers > 1 or (strategy != "one_device" and _logical_cpus() > 1)


def _find_cluster(strategy: str) -> Cluster | None:
    return find_cluster() if strategy in ("auto", "multi_worker") else None


def _logical_cpus() -> int:
    """NMT_LOGICAL_CPUS: how many devices to make of the CPU."""
    text = os.environ.get("NMT_LOGICAL_CPUS", "1")
    if not text.isdecimal() or not 1 <= int(text) <= 64:
        raise NmtError(f"NMT_LOGICAL_CPUS: {text!r} is not a number from 1 to 64")
    return int(text)


def _make_logical_cpus() -> None:
    """Makes several devices of the CPU, which tries out what GPUs would do."""
    if _logical_cpus() > 1:
        [processor] = tf.config.list_physical_devices("CPU")
        tf.config.set_logical_device_configuration(
            processor, [tf.config.LogicalDeviceConfiguration()] * _logical_cpus()
        )


def _join(cluster: Cluster) -> Distribution:
    """Waits for all workers, up to an hour."""
    gpus = len(tf.config.list_physical_devices("GPU"))
    _require_gpus_of_its_own(cluster, gpus)
    communication = tf.distribute.experimental.CommunicationOptions(
        implementation=_collectives(gpus)
    )
    if cluster.index == 0:
        print(
            f"waiting for {len(cluster.addresses)} workers: "
            f"{', '.join(cluster.addresses)}",
            file=sys.stderr,
        )
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec({"worker": list(cluster.addresses)}),
        task_type="worker",
        task_id=cluster.index,
        num_accelerators={"GPU": gpus},
        rpc_layer="grpc",
    )
    try:
        with _ended_by_signals():
            strategy = tf.distribute.MultiWorkerMirroredStrategy(
                resolver, communication
            )
    except tf.errors.OpError as error:
        raise NmtError(
            f"worker {cluster.index} of {len(cluster.addresses)}: cannot join the "
            f"others at {', '.join(cluster.addresses)}: {error.message[:200]}; its own "
            "port may be taken, or one of them never started"
        ) from None
    return Distribution(strategy, cluster)


def _require_gpus_of_its_own(cluster: Cluster, gpus: int) -> None:
    """Raises: NmtError where workers of one machine would take the same GPUs."""
    hosts = [address.rsplit(":", 1)[0] for address in cluster.addresses]
    here = hosts.count(hosts[cluster.index])
    of_machine = len([*Path("/dev").glob("nvidia[0-9]*")])
    told = "CUDA_VISIBLE_DEVICES" in os.environ and not 0 < of_machine < gpus * here
    if gpus and here > 1 and not told:
        raise NmtError(
            f"worker {cluster.index}: each of the {here} workers on "
            f"{hosts[cluster.index]} would take all of its GPUs ({gpus}); give each "
            "its own by CUDA_VISIBLE_DEVICES, or start one worker a machine"
        )


def _collectives(gpus: int) -> tf.distribute.experimental.CommunicationImplementation:
    """How gradients go between workers: NMT_COLLECTIVES, or what is fast.

    Left to itself, TensorFlow sends those of GPUs through the processors' memory.
    """
    ways = tf.distribute.experimental.CommunicationImplementation
    name = os.environ.get("NMT_COLLECTIVES", "nccl" if gpus else "ring").upper()
    if name not in ("NCCL", "RING"):
        raise NmtError(f"NMT_COLLECTIVES: {name.lower()!r} is neither nccl nor ring")
    return ways[name]


def _ended_by_signals() -> AbstractContextManager[None]:
    """A long wait inside TensorFlow, in which Python's handlers would not run.

    TensorFlow catches SIGTERM there itself, and goes on waiting.
    """
    return handled(signal.SIG_DFL)
