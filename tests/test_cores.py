import json
from typing import Any

import pytest
import tensorflow as tf

from nmt import hardware
from nmt.config import TrainingConfig
from nmt.cores import Cores, use_cores


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 4 cores, whose TensorFlow takes any number of threads."""
    counts = [0]
    threading = tf.config.threading
    monkeypatch.setattr(hardware, "cores", lambda: 4)
    monkeypatch.setattr(threading, "set_intra_op_parallelism_threads", counts.append)
    monkeypatch.setattr(
        threading, "get_intra_op_parallelism_threads", lambda: counts[-1]
    )
    monkeypatch.delenv("TF_NUM_INTRAOP_THREADS", raising=False)


@pytest.mark.parametrize(
    "training, expected",
    [
        ({"batch_size": 8}, Cores(1, 4)),
        ({"batch_size": 64}, Cores(2, 2)),
        ({"batch_size": 1000}, Cores(4, 1)),
        ({"batch_tokens": 1600}, Cores(2, 2)),
    ],
)
def test_parts_and_threads_have_a_core_each(
    training: dict[str, Any], expected: Cores
) -> None:
    assert use_cores(TrainingConfig(**training), {}) == expected


def test_a_run_keeps_its_parts_and_threads() -> None:
    of_run = {"parts": 3, "threads": 5}
    assert use_cores(TrainingConfig(batch_size=64), of_run) == Cores(3, 5)


@pytest.mark.parametrize(
    "asked, of_run, expected",
    [
        ("3", {"parts": 2, "threads": 2}, Cores(2, 3)),
        ("3", {}, Cores(1, 3)),
        ("many", {}, Cores(2, 2)),
        ("1", {}, Cores(2, 1)),
    ],
)
def test_tensorflow_may_be_told_how_many_threads(
    asked: str, of_run: Any, expected: Cores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", asked)
    assert use_cores(TrainingConfig(batch_size=64), of_run) == expected


@pytest.mark.parametrize(
    "cores, batch_size, expected",
    [
        (2, 64, Cores(2, 1)),
        (7, 128, Cores(1, 7)),
        (16, 64, Cores(2, 14)),
        (16, 9999, Cores(8, 8)),
        (1, 64, Cores(1, 1)),
    ],
)
def test_every_core_of_any_number_has_a_thread(
    cores: int, batch_size: int, expected: Cores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hardware, "cores", lambda: cores)
    assert use_cores(TrainingConfig(batch_size=batch_size), {}) == expected


def test_replicas_share_the_batch_without_parts_of_parts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    workers = {"cluster": {"worker": ["a:1", "b:1"]}}
    workers["task"] = {"type": "worker", "index": 0}
    for name, value in ("NMT_LOGICAL_CPUS", "2"), ("TF_CONFIG", json.dumps(workers)):
        with monkeypatch.context() as environment:
            environment.setenv(name, value)
            assert use_cores(TrainingConfig(batch_size=64), {}) == Cores(1, 4)
            alone = TrainingConfig(batch_size=64, strategy="one_device")
            assert use_cores(alone, {}) == Cores(2, 2)


def test_a_gpu_has_the_whole_batch_of_a_run_that_began_without_one_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda _: ["a GPU"])
    assert use_cores(TrainingConfig(batch_size=64), {}) == Cores(1, 4)
    begun = {"parts": 4, "threads": 2}
    assert use_cores(TrainingConfig(batch_size=64), begun) == Cores(1, 4)
