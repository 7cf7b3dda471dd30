"""The shell scripts for GPU boxes, in a copy of the project whose `nmt` only tells.

What they pass on, how they end, and what is kept is theirs; the rest is `nmt`'s.
"""

import gzip
import shutil
import subprocess
from pathlib import Path

import pytest
from gpu_boxes import STEP, Box


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


def test_a_gpu_that_nvidia_smi_does_not_answer_for_is_refused_by_its_number(
    gpu_box: Box,
) -> None:
    gpu_box.environment["CUDA_VISIBLE_DEVICES"] = "7"
    code, errors = gpu_box.run("train_gpu", "a.yaml")
    assert code == 1 and not gpu_box.calls.exists()
    assert errors == (
        "train_gpu: nvidia-smi does not answer for GPU 7 (CUDA_VISIBLE_DEVICES is 7): "
        "No devices were found\n"
    )
    del gpu_box.environment["CUDA_VISIBLE_DEVICES"]
    gpu_box.environment["LOST"] = "1"
    code, errors = gpu_box.run("train_gpu", "a.yaml")
    assert (code, errors) == (
        1,
        "train_gpu: nvidia-smi does not answer for GPU 0: GPU is lost\n",
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
    assert gpu_box.told()[-1] == "pip install --quiet --no-compile --editable .[gpu]"


def test_each_gpu_takes_its_share(gpu_box: Box) -> None:
    (gpu_box.path / "in").write_text("\n".join(LINES) + "\n")
    assert shards(gpu_box)[0] == 0
    used = sorted(call.split(" gpu=")[1].strip() for call in gpu_box.told())
    assert used == ["0", "0", "1", "2"]


def test_several_runs_translate_together(box: Box) -> None:
    (box.path / "in").write_text("\n".join(LINES) + "\n")
    assert shards(box, "out", "--ckpt", "run-2", "--devices", "cpu")[0] == 0
    models = [f"--ckpt out.parts/model-{number}/{STEP}" for number in (0, 1)]
    expected = f"nmt translate {' '.join(models)} "
    assert all(call.startswith(expected) for call in box.told())


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


def test_all_parts_are_by_the_checkpoint_of_the_beginning(box: Box) -> None:
    (box.path / "in").write_text("\n".join(LINES) + "\n")
    checkpoints = box.path / "run" / "checkpoints"
    box.broken.touch()
    shards(box)
    # The run has trained on, and swept the checkpoint away.
    (checkpoints / "best").write_text("step-00000002\n")
    (checkpoints / "step-00000001").rename(checkpoints / "step-00000002")
    code, errors = shards(box)
    assert code == 1 and f"models of the beginning, out.parts/model-0/{STEP};" in errors
    kept = box.path / "out.parts" / "model-0"
    assert (kept / "config.yaml").exists() and (kept / "tokenizer" / "model").exists()
    assert (kept / STEP / "manifest.json").exists()
    box.broken.unlink()
    assert shards(box)[0] == 0
    assert all(f"--ckpt out.parts/model-0/{STEP} " in call for call in box.told())


@pytest.mark.parametrize("path", [STEP, "checkpoints/best", "checkpoints/last", "link"])
def test_a_checkpoint_is_taken_by_its_name_a_pointer_or_a_link(
    box: Box, path: str
) -> None:
    (box.path / "in").write_text("\n".join(LINES) + "\n")
    (box.path / "run/checkpoints/last").write_text(Path(STEP).name)
    (box.path / "run/link").symlink_to(STEP)
    options = ["--ckpt", f"run/{path}", "--input", "in", "--output", "out"]
    assert box.run("translate_shards", *options, "--devices", "cpu")[0] == 0
    assert f"nmt translate --ckpt out.parts/model-0/{STEP} " in box.told()[0]


@pytest.mark.parametrize("path", ["nowhere", "run/tokenizer"])
def test_what_is_no_checkpoint_is_refused_before_the_text_is_split(
    box: Box, path: str
) -> None:
    (box.path / "in").write_text("\n".join(LINES) + "\n")
    options = ["--ckpt", path, "--input", "in", "--output", "out", "--devices", "cpu"]
    code, errors = box.run("translate_shards", *options)
    assert code == 1 and len(errors.splitlines()) == 1
    assert errors.startswith(f"translate_shards: {path}: is neither a run directory")
    assert not list(box.path.glob("out*"))


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
