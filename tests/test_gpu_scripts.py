"""The shell scripts for GPU boxes, in a copy of the project whose `nmt` only tells.

What they pass on, how they end, and what is kept is theirs; the rest is `nmt`'s.
"""

import gzip
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
# Says how it was called; as `train` it then waits, or ends as $END says.
TELLING_NMT = r"""#!/usr/bin/env bash
gpu=${CUDA_VISIBLE_DEVICES-}
[[ -z $gpu || $CUDA_DEVICE_ORDER == PCI_BUS_ID ]] || exit 2
trap 'echo "told ${TF_CONFIG##*index}" >>"$CALLS"; [[ -e $DEAF ]] || exit 143' TERM
[[ -z ${TF_CONFIG-} ]] || echo "group $(ps -o pgid= $$)" >>"$CALLS"
echo "nmt $* gpu=$gpu ${TF_CONFIG-}" >>"$CALLS"
if [[ $1 == translate ]]; then
    while (($#)); do
        case $1 in --input) input=$2 ;; --output) output=$2 ;; esac
        shift
    done
    [[ ! -e $BROKEN || $input != *000001* ]] || { echo broken >&2; exit 1; }
    tr a-z A-Z <"$input" >"$output"
    exit
fi
[[ -n ${TF_CONFIG-} ]] || exit 0
case $TF_CONFIG in
*'"index": 0'*) [[ ! -e $BROKEN ]] || { sleep 0.3; exit 1; } ;;
esac
for _ in {1..100}; do [[ -e $DONE ]] && exit 0; sleep 0.1; done
"""
TELLING_SMI = r"""#!/usr/bin/env bash
case $* in
*index*) printf '0\n1\n2\n' ;;
*--id=1*) echo 40000 ;;
*--id=7*) echo 'No devices were found'; exit 6 ;;
*memory.free*) echo 300 ;;
esac
"""


class Box:
    """A copy of the scripts with stand-ins for what they call."""

    def __init__(self, path: Path, *, gpus: bool) -> None:
        self.path = path
        self.calls, self.broken, self.done, self.deaf = (
            path / name for name in ("calls", "broken", "done", "deaf")
        )
        shutil.copytree(PROJECT / "scripts", path / "scripts")
        shutil.copy(PROJECT / "pyproject.toml", path)
        bin = path / ".venv/bin"
        bin.mkdir(parents=True)
        for stamp in ("installed", "installed[gpu]"):
            shutil.copy(PROJECT / "pyproject.toml", path / ".venv" / stamp)
        tools = {"nmt": TELLING_NMT} | ({"nvidia-smi": TELLING_SMI} if gpus else {})
        for name, text in tools.items():
            (bin / name).write_text(text)
            (bin / name).chmod(0o755)
        self.environment = {
            "PATH": f"{bin}:{os.environ['PATH']}",
            "CALLS": str(self.calls),
            "BROKEN": str(self.broken),
            "DONE": str(self.done),
            "DEAF": str(self.deaf),
        }

    def start(self, script: str, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self.path / "scripts" / script, *arguments],
            cwd=self.path,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # as a terminal's shell does
        )

    def run(self, script: str, *arguments: str) -> tuple[int, str]:
        """Its exit code and standard error."""
        process = self.start(script, *arguments)
        _, errors = process.communicate(timeout=60)
        return process.returncode, errors

    def told(self) -> list[str]:
        calls = self.calls.read_text().splitlines()
        return sorted(call for call in calls if not call.startswith("group"))

    def groups(self) -> list[int]:
        """The process group of each worker."""
        calls = self.calls.read_text().splitlines()
        return [int(call.split()[1]) for call in calls if call.startswith("group")]

    def wait_for_calls(self, count: int) -> None:
        for _ in range(200):
            if self.calls.exists() and len(self.told()) >= count:
                return
            time.sleep(0.05)
        pytest.fail(f"no {count} calls")


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path / "box", gpus=False)


@pytest.fixture
def gpu_box(tmp_path: Path) -> Box:
    return Box(tmp_path / "box", gpus=True)


@pytest.mark.skipif(shutil.which("nvidia-smi") is not None, reason="here is one")
@pytest.mark.parametrize("script", ["train_gpu", "train_multi_gpu"])
def test_without_a_gpu_one_sentence_says_so(box: Box, script: str) -> None:
    code, errors = box.run(script, "config.yaml")
    assert code == 1 and errors.startswith(f"{script}: no nvidia-smi")
    assert len(errors.splitlines()) == 1 and not box.calls.exists()


def test_one_gpu_is_the_one_with_the_most_free_memory(gpu_box: Box) -> None:
    gpu_box.run("train_gpu", "a.yaml", "--set", "training.seed=2")
    [call] = gpu_box.told()
    assert call.split("gpu=")[0] == (
        "nmt train --set training.strategy=one_device a.yaml --set training.seed=2 "
    )
    assert call.split("gpu=")[1].strip() == "1"


def test_a_gpu_that_is_not_here_is_refused_by_its_number(gpu_box: Box) -> None:
    gpu_box.environment["CUDA_VISIBLE_DEVICES"] = "7"
    code, errors = gpu_box.run("train_gpu", "a.yaml")
    assert code == 1 and not gpu_box.calls.exists()
    assert errors == (
        "train_gpu: CUDA_VISIBLE_DEVICES=7: nvidia-smi knows no GPU 7: "
        "No devices were found\n"
    )


def test_a_path_to_search_for_directories_leads_nowhere_else(
    gpu_box: Box, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere" / "scripts").mkdir(parents=True)
    process = subprocess.run(
        ["scripts/train_gpu", "a.yaml"],
        cwd=gpu_box.path,
        env={**gpu_box.environment, "CDPATH": f"{tmp_path}/elsewhere:."},
        capture_output=True,
        text=True,
    )
    assert (process.returncode, process.stdout) == (0, "")
    assert process.stderr == "train_gpu: on GPU 1\n"
    assert len(gpu_box.told()) == 1


def test_several_gpus_are_those_that_may_be_used(gpu_box: Box) -> None:
    code, errors = gpu_box.run("train_multi_gpu", "a.yaml")
    assert (code, errors) == (0, "train_multi_gpu: on 3 GPUs\n")
    assert gpu_box.told()[0].startswith(
        "nmt train --set training.strategy=mirrored a.yaml"
    )
    gpu_box.environment["CUDA_VISIBLE_DEVICES"] = "2"
    code, errors = gpu_box.run("train_multi_gpu", "a.yaml")
    assert code == 1 and "scripts/train_gpu" in errors


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
            return
        time.sleep(0.1)
    pytest.fail("a process is left")


def test_a_host_that_is_none_is_refused(box: Box) -> None:
    code, errors = box.run("train_cluster", "--hosts", "a;rm b,c", "a.yaml")
    assert code == 1 and "a;rm b" in errors and not box.calls.exists()
    code, errors = box.run("train_cluster", "a.yaml")
    assert code == 1 and "--hosts" in errors


def shards(box: Box, output: str = "out", *more: str) -> tuple[int, str]:
    options = ["--ckpt", "run", "--input", "in", "--output", output, "--lines", "3"]
    return box.run("translate_shards", *options, *more, "--", "beam", "--nbest", "1")


LINES = [f"line {number}" for number in range(10)]


def test_parts_come_together_in_order(box: Box) -> None:
    (box.path / "in").write_text("\n".join(LINES) + "\n")
    code, errors = shards(box, "out", "--devices", "cpu,cpu")
    assert code == 0 and len(box.told()) == 4
    assert (box.path / "out").read_text() == "\n".join(LINES).upper() + "\n"
    assert not (box.path / "out.parts").exists()
    assert all(call.split(" gpu=")[1].strip() == "-1" for call in box.told())
    assert all(" beam --nbest 1 " in call for call in box.told())


@pytest.mark.parametrize(
    ("search", "word"),
    [
        ("beam --alignments links", "--alignments"),
        ("greedy --prefix=begins", "--prefix"),
        ("beam --nbest 2", "--format jsonl"),
        ("sample --samples=12", "--format jsonl"),
    ],
)
def test_what_cannot_be_put_together_is_refused(
    box: Box, search: str, word: str
) -> None:
    (box.path / "in").write_text("\n".join(LINES) + "\n")
    options = ["--ckpt", "run", "--input", "in", "--output", "out"]
    code, errors = box.run("translate_shards", *options, "--", *search.split())
    assert code == 1 and word in errors and len(errors.splitlines()) == 1
    assert not box.calls.exists() and not (box.path / "out.parts").exists()


@pytest.mark.parametrize(
    "search", ["beam --nbest 2 --format jsonl", "sample --samples 30 --mbr", "greedy"]
)
def test_what_can_be_put_together_is_taken(box: Box, search: str) -> None:
    (box.path / "in").write_text("\n".join(LINES) + "\n")
    options = ["--ckpt", "run", "--input", "in", "--output", "out"]
    options += ["--devices", "cpu"]
    code, errors = box.run("translate_shards", *options, "--", *search.split())
    assert code == 0, errors
    assert f" {search} " in box.told()[0]


def test_a_machine_with_a_gpu_gets_the_libraries_for_it(gpu_box: Box) -> None:
    for stamp in (gpu_box.path / ".venv").glob("installed*"):
        stamp.unlink()
    pip = gpu_box.path / ".venv/bin/pip"
    pip.write_text('#!/usr/bin/env bash\necho "pip $*" >>"$CALLS"\n')
    pip.chmod(0o755)
    gpu_box.run("quickstart")
    assert gpu_box.told()[-1] == "pip install --quiet --editable .[gpu]"


def test_each_gpu_takes_its_share(gpu_box: Box) -> None:
    (gpu_box.path / "in").write_text("\n".join(LINES) + "\n")
    assert shards(gpu_box)[0] == 0
    used = sorted(call.split(" gpu=")[1].strip() for call in gpu_box.told())
    assert used == ["0", "0", "1", "2"]


def test_several_runs_translate_together(box: Box) -> None:
    (box.path / "in").write_text("\n".join(LINES) + "\n")
    assert shards(box, "out", "--ckpt", "run-2", "--devices", "cpu")[0] == 0
    assert all("nmt translate --ckpt run --ckpt run-2 " in call for call in box.told())


def test_what_is_done_is_not_done_again(box: Box) -> None:
    (box.path / "in").write_text("\n".join(LINES) + "\n")
    box.broken.touch()
    code, errors = shards(box)
    assert code == 1 and "the same command goes on" in errors
    assert not (box.path / "out").exists()
    before = len(box.told())
    box.broken.unlink()
    assert shards(box)[0] == 0
    translated = [call.split("--input ")[1].split()[0] for call in box.told()]
    # Only the broken part was tried twice.
    again = {name for name in translated if translated.count(name) > 1}
    assert again == {"out.parts/000001.source"} and len(translated) > before
    assert (box.path / "out").read_text() == "\n".join(LINES).upper() + "\n"


def test_parts_of_another_job_are_refused(box: Box) -> None:
    (box.path / "in").write_text("\n".join(LINES) + "\n")
    box.broken.touch()
    shards(box)
    (box.path / "in").write_text("other\n")
    code, errors = shards(box)
    assert code == 1 and "another job" in errors


@pytest.mark.parametrize("others", [[], ["--ckpt", "other"]])
def test_parts_by_an_earlier_checkpoint_are_refused(
    box: Box, others: list[str]
) -> None:
    (box.path / "in").write_text("\n".join(LINES) + "\n")
    checkpoints = box.path / "run" / "checkpoints"
    for step in "1", "2":
        (checkpoints / step).mkdir(parents=True)
        (checkpoints / step / "manifest.json").write_text(step)
    (checkpoints / "best").write_text("1\n")
    box.broken.touch()
    shards(box, "out", *others)
    (checkpoints / "best").write_text("2\n")
    code, errors = shards(box, "out", *others)
    assert code == 1 and "trained on since" in errors
    (checkpoints / "best").write_text("1\n")
    box.broken.unlink()
    assert shards(box, "out", *others)[0] == 0
    assert all("--ckpt run/checkpoints/1 " in call for call in box.told())


def test_compressed_and_empty_files(box: Box) -> None:
    data = gzip.compress(b"a\n\nb\n")
    (box.path / "in.gz").write_bytes(data)
    options = ["--ckpt", "run", "--lines", "2"]
    command = ["translate_shards", *options, "--input", "in.gz", "--output", "out.gz"]
    assert box.run(*command)[0] == 0
    assert gzip.decompress((box.path / "out.gz").read_bytes()) == b"A\n\nB\n"
    (box.path / "in").touch()
    assert shards(box)[0] == 0
    assert (box.path / "out").read_bytes() == b""
    code, errors = shards(box)
    assert code == 1 and "is there already" in errors
