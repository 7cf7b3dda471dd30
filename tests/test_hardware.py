"""The machine: TensorFlow comes quietly, once, and only when it is wanted."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import ToyRun

from nmt import hardware


def test_preparing_again_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    before = dict(os.environ), hardware.devices()
    monkeypatch.setattr(hardware, "_keep_freed_memory", lambda: pytest.fail("again"))
    hardware.prepare()
    assert (dict(os.environ), hardware.devices()) == before


def test_there_is_a_device_to_compute_on() -> None:
    assert any("CPU" in device for device in hardware.devices())


def test_a_machine_can_say_what_it_is() -> None:
    facts = hardware.provenance()
    assert facts["processor"] and 1 <= int(facts["cores"]) <= (os.cpu_count() or 1)
    assert 2**28 < int(facts["memory"]) < 2**50
    assert facts["python"] == ".".join(map(str, sys.version_info[:3]))
    assert bool(facts["gpus"]) == any("GPU" in name for name in hardware.devices())


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({}, None),
        ({"cpu.max": "max 100000\n"}, None),
        ({"cpu.max": "200000 100000\n"}, 2),
        ({"cpu.max": "150000 100000\n"}, 2),
        ({"cpu.max": "10000 100000\n"}, 1),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, None),
        ({"cpu/cpu.cfs_quota_us": "70000\n", "cpu/cpu.cfs_period_us": "50000\n"}, 2),
        ({"cpu/cpu.cfs_quota_us": "70000\n"}, None),
    ],
)
def test_a_containers_limit_of_time_is_cores(
    files: dict[str, str], cores: int | None, tmp_path: Path
) -> None:
    (tmp_path / "cpu").mkdir()
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert hardware._cores_worth_of_time(tmp_path) == cores


def test_cores_are_no_more_than_the_limit_of_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hardware, "_cores_worth_of_time", lambda: 1)
    assert hardware.cores() == 1


def test_keras_stays_out_until_somebody_asks_for_it() -> None:
    code = """
import sys
from typing import Any
from nmt import hardware
hardware.prepare()
import tensorflow as tf
print(any(name.split(".")[0] in ("keras", "matplotlib") for name in sys.modules))
print(tf.keras.layers.Dense.__name__)
"""
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert process.stdout.split() == ["False", "Dense"]


def test_translating_says_nothing_on_standard_error(toy_run: ToyRun) -> None:
    process = subprocess.run(
        [sys.executable, "-m", "nmt", "translate", "--ckpt", toy_run.path],
        input="ba ce\n\n",
        capture_output=True,
        text=True,
        # As a user has it, not as this process set it for itself.
        env={key: os.environ[key] for key in os.environ if not key.startswith("TF_")},
    )
    assert (process.returncode, process.stderr) == (0, "")
    assert process.stdout.splitlines()[1:] == [""]


def test_training_says_on_standard_error_what_its_log_has_and_no_more(
    toy_run: ToyRun,
) -> None:
    log = (toy_run.path / "train.log").read_text("utf-8").splitlines()
    # Each line of the log has a date, a time and the message.
    assert toy_run.stderr.splitlines() == [line.split(" ", 2)[2] for line in log]


def test_what_is_said_before_a_failure_is_shown(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(ImportError), hardware.quiet_stderr():
        os.write(2, b"the reason\n")
        raise ImportError
    with hardware.quiet_stderr():
        os.write(2, b"chatter\n")
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "the reason\nafter\n"


class Driver:
    """What ctypes makes of a driver's library."""

    def __init__(self, status: int, version: int) -> None:
        self.status, self.version = status, version

    def cuInit(self, _: int) -> int:
        return self.status

    def cuGetErrorString(self, _: int, words: Any) -> None:
        words._obj.value = b"system has unsupported display driver"

    def cuDriverGetVersion(self, version: Any) -> None:
        version._obj.value = self.version


@pytest.mark.parametrize(
    "driver, cause",
    [
        (None, "libcuda.so.1 is not found"),
        (Driver(803, 0), r"unsupported display driver \(cuInit: 803\)"),
        (Driver(0, 11040), "CUDA 11.4, and TensorFlow needs 12.0"),
        (Driver(0, 12040), r"CUDA libraries are missing.*pip install 'nmt\[gpu\]'"),
    ],
)
def test_a_gpu_that_cannot_be_used_is_told_with_its_cause(
    driver: Driver | None, cause: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if hardware.devices()[1:]:
        pytest.skip("a GPU is here, and can be used")

    def load(_: str) -> Driver:
        if driver is None:
            raise OSError
        return driver

    monkeypatch.setattr(hardware, "_has_gpu", lambda: True)
    monkeypatch.setattr(hardware.ctypes, "CDLL", load)
    [trouble] = hardware.gpu_troubles()
    assert re.search(cause, trouble)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert hardware.gpu_troubles() == []


def test_a_choice_of_no_gpu_that_is_here_is_told_with_the_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7")
    monkeypatch.setattr(hardware, "_has_gpu", lambda: True)
    monkeypatch.setattr(hardware.ctypes, "CDLL", lambda _: Driver(100, 0))
    [trouble] = hardware.gpu_troubles()
    assert "CUDA_VISIBLE_DEVICES is 7, and the driver finds none of those" in trouble


def test_where_nothing_can_be_written_standard_error_is_quiet_as_well(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def nowhere() -> None:
        raise FileNotFoundError("No usable temporary directory found")

    monkeypatch.setattr(hardware.tempfile, "TemporaryFile", nowhere)
    monkeypatch.delenv("NMT_TENSORFLOW_LOG", raising=False)
    with hardware.quiet_stderr():
        os.write(2, b"chatter")
    assert capfd.readouterr().err == ""
