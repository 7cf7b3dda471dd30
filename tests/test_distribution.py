"""One run on one device, on two, and on two workers: the same losses, and its ends."""

import json
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from conftest import Toy
from training_runs import (
    PLAIN_MODEL,
    checkpoints,
    records,
    start_training,
    train,
    without_timing,
)

from nmt import training
from nmt.distribution import ALONE, distribute
from nmt.errors import NmtError
from nmt.run import open_run

SILENT = "{source: 0.0, target: 0.0, context: 0.0, state: 0.0, output: 0.0, "
SETTINGS = [
    *PLAIN_MODEL,
    f"model.dropout={SILENT}source_word: 0.0, target_word: 0.0}}",
    "training.batch_size=19",  # the last of an epoch has 3 pairs
    "training.learning_rate=0.01",
    "training.early_stopping=null",
]


pytestmark = pytest.mark.usefixtures("no_pictures")


@pytest.fixture(autouse=True)
def every_update_is_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "LOG_EVERY", 1)


JOINED = tf.distribute.experimental.CommunicationImplementation


@pytest.mark.parametrize(
    "gpus, environment, expected",
    [
        (0, {}, JOINED.RING),
        (2, {"CUDA_VISIBLE_DEVICES": "0,1"}, JOINED.NCCL),
        (2, {"CUDA_VISIBLE_DEVICES": "0,1", "NMT_COLLECTIVES": "ring"}, JOINED.RING),
        (2, {}, "each of the 2 workers on here would take all of its GPUs"),
        (4, {"CUDA_VISIBLE_DEVICES": "0,1,2,3"}, "all of its GPUs \\(4\\)"),
        (0, {"NMT_COLLECTIVES": "mpi"}, "'mpi' is neither nccl nor ring"),
    ],
)
def test_workers_have_gpus_of_their_own_and_sum_by_nccl(
    gpus: int, environment: dict[str, str], expected: Any, monkeypatch: Any
) -> None:
    """No GPU is there: what TensorFlow would be asked for."""
    asked: list[Any] = []
    strategy = SimpleNamespace(num_replicas_in_sync=4)

    def join(resolver: Any, options: Any) -> Any:
        assert resolver.num_accelerators() == {"GPU": gpus}
        asked.append(options.implementation)
        return strategy

    for name in ("CUDA_VISIBLE_DEVICES", "NMT_COLLECTIVES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("nmt.hardware.gpu_troubles", list)
    monkeypatch.setattr("nmt.distribution.Path.glob", lambda *_: iter("0123"))
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda _: [None] * gpus)
    monkeypatch.setattr(tf.distribute, "MultiWorkerMirroredStrategy", join)
    cluster = {"worker": ["here:1", "there:1", "here:2"]}
    task = {"type": "worker", "index": 2}
    told = {"TF_CONFIG": json.dumps({"cluster": cluster, "task": task})}
    for name, value in (environment | told).items():
        monkeypatch.setenv(name, value)
    if isinstance(expected, str):
        with pytest.raises(NmtError, match=expected):
            distribute("multi_worker")
    else:
        assert distribute("multi_worker").workers == 3
        assert asked == [expected]


def start_workers(config: Path, **options: Any) -> list[subprocess.Popen[str]]:
    """Two workers that talk over this machine's own network."""
    with socket.socket() as one, socket.socket() as other:
        for place in one, other:
            place.bind(("127.0.0.1", 0))
        hosts = [f"127.0.0.1:{place.getsockname()[1]}" for place in (one, other)]
    return [
        start_training(
            config,
            *SETTINGS,
            **options,
            TF_CONFIG=json.dumps(
                {
                    "cluster": {"worker": hosts},
                    "task": {"type": "worker", "index": index},
                }
            ),
        )
        for index in range(2)
    ]


def ends(process: subprocess.Popen[str], seconds: float = 600) -> tuple[int, str]:
    """Exit code and standard error of a process that has as long to end."""
    try:
        _, stderr = process.communicate(timeout=seconds)
    finally:
        process.kill()
    return process.returncode, stderr


def losses(path: Path) -> list[float]:
    return [
        record["loss"]
        for kind in ("train", "validation")
        for record in records(path, kind)
    ]


@pytest.fixture(scope="module")
def two_workers(
    toy: Toy, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[str]]:
    """The run directory of two workers, and what each said on standard error."""
    path = tmp_path_factory.mktemp("workers") / "run"
    workers = start_workers(toy.config(path), drawn="pictures")
    ended = [ends(worker) for worker in workers]
    assert [code for code, _ in ended] == [0, 0], ended
    return path, [stderr for _, stderr in ended]


def test_two_workers_have_the_losses_of_one_device_and_one_of_them_speaks(
    toy: Toy, tmp_path: Path, two_workers: tuple[Path, list[str]]
) -> None:
    path, (chief, other) = two_workers
    train(toy.config(tmp_path / "run"), *SETTINGS)
    expected = losses(tmp_path / "run")
    assert len(expected) == 12 + 3
    np.testing.assert_allclose(losses(path), expected, rtol=1e-4)
    for step in (4, 8, 12):
        name = f"validation/step-{step:08d}.txt"
        assert (path / name).read_text() == (tmp_path / "run" / name).read_text()
    log = (path / "train.log").read_text().splitlines()
    assert "2 replicas on 2 workers" in log[0]
    assert chief.splitlines()[1:] == [line.split(" ", 2)[2] for line in log]
    assert other == ""


def test_one_device_then_two_then_one_keep_the_loss_curve(
    toy: Toy, tmp_path: Path
) -> None:
    straight, changing = tmp_path / "straight", tmp_path / "changing"
    accumulate = "training.accumulate=3"
    train(toy.config(straight), *SETTINGS, accumulate)
    config = toy.config(changing)
    train(config, *SETTINGS, accumulate, "training.epochs=1")
    two = start_training(
        config,
        *SETTINGS,
        accumulate,
        "training.epochs=2",
        "training.strategy=mirrored",
        "training.deterministic=true",
        NMT_LOGICAL_CPUS="2",
    )
    code, stderr = ends(two)
    assert code == 0, stderr
    assert "2 replicas\n" in stderr
    train(config, *SETTINGS, accumulate)
    np.testing.assert_allclose(losses(changing), losses(straight), rtol=1e-4)
    expected = open_run(straight / "checkpoints/last").model().parameters.values()
    weights = open_run(changing / "checkpoints/last").model().parameters.values()
    for name, value in weights.items():
        np.testing.assert_allclose(value, expected[name], atol=2e-3)


def test_a_lost_worker_ends_the_other_and_the_run_goes_on_as_if_none_had_been(
    toy: Toy, tmp_path: Path, two_workers: tuple[Path, list[str]]
) -> None:
    expected, _ = two_workers
    path = tmp_path / "run"
    config = toy.config(path)
    workers = start_workers(config, seconds=1)
    deadline = time.monotonic() + 600
    while not (path / "checkpoints/last").exists():
        assert time.monotonic() < deadline
        assert [worker.poll() for worker in workers] == [None, None]
        time.sleep(0.05)
    chief, other = workers
    chief.kill()
    code, stderr = ends(other, 30)
    assert code == 1
    assert stderr.count("Error: ") == 1 and "Traceback" not in stderr
    assert "worker 1 of 2: " in stderr and "is lost" in stderr
    assert ends(chief)[0] == -signal.SIGKILL
    # Again, and now the other one is told to stop: both save and stop.
    deadline = time.monotonic() + 600
    workers = start_workers(config, seconds=1)
    while len(records(path, "validation")) < 2:
        assert time.monotonic() < deadline
        assert [worker.poll() for worker in workers] == [None, None]
        time.sleep(0.05)
    workers[1].terminate()
    ended = [ends(worker) for worker in workers]
    assert [code for code, _ in ended] == [128 + signal.SIGTERM] * 2, ended
    ended = [ends(worker) for worker in start_workers(config)]
    assert [code for code, _ in ended] == [0, 0], ended
    assert checkpoints(path) == checkpoints(expected)
    assert without_timing(path) == without_timing(expected)


def test_what_one_device_does_needs_no_strategy() -> None:
    assert distribute("one_device") is ALONE
    assert ALONE.exchange({"a": [1.5]}) == [{"a": [1.5]}]
    tensors = [np.ones(2)]
    assert ALONE.summed(tensors)[0] is tensors[0]


def test_workers_that_nobody_names_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("TF_CONFIG", raising=False)
    monkeypatch.delenv("SLURM_STEP_NUM_TASKS", raising=False)
    with pytest.raises(NmtError, match="TF_CONFIG.*srun"):
        distribute("multi_worker")


def test_a_gpu_that_cannot_be_used_is_refused_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("nmt.hardware.gpu_troubles", lambda: ["the driver is old"])
    with pytest.raises(NmtError, match="driver is old; .*CUDA_VISIBLE_DEVICES=-1"):
        distribute("auto")


@pytest.mark.parametrize("number", ["0", "two", "", "65", "-1"])
def test_an_impossible_number_of_logical_cpus_is_refused(
    number: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NMT_LOGICAL_CPUS", number)
    with pytest.raises(NmtError, match="NMT_LOGICAL_CPUS.*1 to 64"):
        distribute("auto")
