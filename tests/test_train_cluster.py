"""scripts/train_cluster: its workers are told, once, and none is left."""

import os
import signal
import time
from pathlib import Path

import pytest
from gpu_boxes import Box


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path / "box", gpus=False)


def test_a_cluster_knows_its_members_and_ends_with_them(box: Box) -> None:
    box.done.touch()
    hosts = "localhost:7001,localhost:7002"
    assert box.run("train_cluster", "--hosts", hosts, "a b.yaml") == (0, "")
    first, second = box.told()
    assert first.startswith(
        "nmt train --set training.strategy=multi_worker a b.yaml gpu= "
        '{"cluster": {"worker": ["localhost:7001","localhost:7002"]}'
    )
    assert first.endswith('"index": 0}}') and second.endswith('"index": 1}}')


def test_what_is_to_be_the_same_everywhere_goes_to_other_hosts(box: Box) -> None:
    box.done.touch()
    bin = box.path / ".venv/bin"
    # Of the caller's environment a server has nothing; this one has what a box needs.
    (bin / "ssh").write_text(
        '#!/bin/sh\nexec env -i PATH="$PATH" CALLS="$CALLS" DONE="$DONE" bash -c "$4"\n'
    )
    (bin / "ssh").chmod(0o755)
    with (bin / "nmt").open("a") as stream:
        stream.write('echo "by ${NMT_COLLECTIVES-} ${UNKNOWN-}" >>"$CALLS"\n')
    (bin / "nmt").write_text(
        (bin / "nmt").read_text().replace("DONE ]] && exit 0", "DONE ]] && break")
    )
    box.environment |= {"NMT_COLLECTIVES": "a ring", "UNKNOWN": "1"}
    assert box.run("train_cluster", "--hosts", "other", "a.yaml") == (0, "")
    assert "other:12345" in box.told()[-1]
    assert "by a ring " in box.told()


def test_a_worker_that_fails_ends_the_others(box: Box) -> None:
    box.broken.touch()
    code, _ = box.run(
        "train_cluster", "--hosts", "localhost:7001,localhost:7002", "a.yaml"
    )
    assert code == 1
    assert [call for call in box.told() if call.startswith("told")] == ['told ": 1}}']


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_workers_are_told_when_the_script_is_ended(box: Box, number: int) -> None:
    hosts = "localhost:7001,localhost:7002"
    process = box.start("train_cluster", "--hosts", hosts, "a.yaml")
    box.wait_for_calls(2)
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == (143 if number == signal.SIGTERM else -9)
    box.wait_for_calls(4)
    told = [call for call in box.told() if call.startswith("told")]
    assert told == ['told ": 0}}', 'told ": 1}}']


def test_what_a_terminal_sends_is_for_the_script_and_each_worker_is_told_once(
    box: Box,
) -> None:
    hosts = "localhost:7001,localhost:7002"
    process = box.start("train_cluster", "--hosts", hosts, "a.yaml")
    box.wait_for_calls(2)
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert process.pid not in box.groups()
    told = [call for call in box.told() if call.startswith("told")]
    assert told == ['told ": 0}}', 'told ": 1}}']


def test_a_second_control_c_ends_all_at_once(box: Box) -> None:
    box.deaf.touch()
    process = box.start("train_cluster", "--hosts", "localhost:7001", "a.yaml")
    box.wait_for_calls(1)
    os.killpg(process.pid, signal.SIGINT)
    box.wait_for_calls(2)  # it is told, and goes on
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert "left alone" not in box.told()


def test_a_worker_that_does_not_end_is_killed_before_the_script_ends(box: Box) -> None:
    script = box.path / "scripts/train_cluster"
    text = script.read_text()
    assert "\npatience=120\n" in text
    script.write_text(text.replace("patience=120", "patience=1"))
    box.deaf.touch()
    process = box.start("train_cluster", "--hosts", "localhost:7001", "a.yaml")
    box.wait_for_calls(1)
    process.terminate()
    process.communicate(timeout=60)
    assert process.returncode == 143
    [group] = box.groups()
    # What is left of a worker's group ends within its second.
    for _ in range(40):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            assert "left alone" not in box.told()
            return
        time.sleep(0.1)
    pytest.fail("a process is left")


def test_a_host_that_is_none_is_refused(box: Box) -> None:
    code, errors = box.run("train_cluster", "--hosts", "a;rm b,c", "a.yaml")
    assert code == 1 and "a;rm b" in errors and not box.calls.exists()
    code, errors = box.run("train_cluster", "a.yaml")
    assert code == 1 and "--hosts" in errors
