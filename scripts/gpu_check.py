"""A GPU against the processor: the same numbers, exact resuming, speed, memory.

    python scripts/gpu_check.py [--quick]

Trains small models on data/sample, each a run of `nmt train` in a process of its own,
and times updates and searches of a large one. docs/scaling.md says what to expect.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from speed.processes import alone

from nmt.config import load_config
from nmt.history import read_history

PROJECT = Path(__file__).resolve().parent.parent
SAMPLE = PROJECT / "configs/sample.yaml"
SOURCE = PROJECT / "data/sample/test.en"
# As configs/rnnsearch50.yaml has them, but for the cell and the embeddings.
LARGE = [
    "model.embedding_size=512",
    "model.encoder_size=1024",
    "model.decoder_size=1024",
]
NO_DROPOUT = (
    "model.dropout={source: 0.0, target: 0.0, context: 0.0, state: 0.0, output: 0.0, "
    "source_word: 0.0, target_word: 0.0}"
)
PRECISIONS = "float32", "mixed_bfloat16", "mixed_float16"
# TF32 products keep 10 bits of a number: equality is looked at without them.
EXACT = {"NVIDIA_TF32_OVERRIDE": "0"}
NO_GPU = {"CUDA_VISIBLE_DEVICES": "-1"}


@dataclass(frozen=True)
class Check:
    """A line of the table."""

    name: str
    found: str
    expected: str
    good: bool | None = None  # None: a figure to look at

    def __str__(self) -> str:
        verdict = {True: "good", False: "BAD", None: ""}[self.good]
        return f"{verdict:<5}{self.name:<44}{self.found:<30}{self.expected}"


def nmt(*arguments: object, **environment: str) -> str:
    """What a command writes to standard output; ends all where it fails."""
    command = [sys.executable, "-m", "nmt", *map(str, arguments)]
    process = subprocess.run(
        command,
        cwd=PROJECT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )
    if process.returncode:
        sys.exit(f"gpu_check: {' '.join(command)} failed:\n{process.stderr}")
    return process.stdout


def train(run: Path, updates: int, *settings: str, **environment: str) -> Path:
    ours = (
        f"run_dir={run}",
        f"training.steps={updates}",
        f"training.validate_every={updates}",
        "training.schedule=constant",  # one that does not ask where the end is
        "training.strategy=one_device",
    )
    options = [f"--set={setting}" for setting in (*settings, *ours)]
    nmt("train", SAMPLE, *options, **environment)
    return run


def checksum(run: Path) -> str:
    """Of the last weights."""
    last = (run / "checkpoints/last").read_text().strip()
    data = (run / "checkpoints" / last / "weights.npz").read_bytes()
    return hashlib.sha256(data).hexdigest()


def same_numbers(work: Path, updates: int) -> list[Check]:
    """Losses of one training and translations of one model, on both."""
    there = train(work / "gpu", updates, NO_DROPOUT, **EXACT)
    here = train(work / "cpu", updates, NO_DROPOUT, **NO_GPU)
    histories = read_history(there), read_history(here)
    pairs = list(zip(*(each.train for each in histories), strict=True))
    apart = max(abs(a["loss"] / b["loss"] - 1) for a, b in pairs)
    command = "translate", "--ckpt", there, "--format=jsonl", "--input", SOURCE
    found = [
        [json.loads(line)["hypotheses"][0] for line in text.splitlines()]
        for text in (nmt(*command, **EXACT), nmt(*command, **NO_GPU))
    ]
    lines = len(found[0])
    same = sum(a["text"] == b["text"] for a, b in zip(*found, strict=True))
    return [
        Check(
            f"losses of {updates} updates, GPU against CPU",
            f"{apart:.1e} apart at most",
            "below 1e-3",
            apart < 1e-3,
        ),
        Check(
            "translations, GPU against CPU",
            f"{same} of {lines} the same",
            "99 % or more",
            same >= 0.99 * lines,
        ),
    ]


def exact_resuming(work: Path, updates: int) -> list[Check]:
    """The weights after a pause, and of the same run again.

    A GPU that is not told to repeat its bits need not: that is a figure to look at.
    """
    checks = []
    for repeating in (True, False):
        told = f"training.deterministic={str(repeating).lower()}"
        runs = [
            work / f"{name}-{repeating}" for name in ("straight", "again", "paused")
        ]
        train(runs[2], updates // 2, told)
        straight, *others = (checksum(train(run, updates, told)) for run in runs)
        checks += [
            Check(
                f"{name}{', deterministic' if repeating else ''}",
                "the same bits" if straight == other else "other bits",
                "the same" if repeating else "the same on a CPU",
                straight == other if repeating else None,
            )
            for name, other in zip(
                ("the same training twice", "resumed against uninterrupted"),
                others,
                strict=True,
            )
        ]
    return checks


def timed(settings: list[str], point: dict[str, Any]) -> dict[str, Any]:
    """An update or a search of one shape, in a process of its own.

    To be called once in a process.
    """
    from nmt import hardware

    hardware.prepare()
    import tensorflow as tf
    from speed import growth, machine

    from nmt.precision import compute_dtype

    config = load_config(SAMPLE, settings)
    dtype = compute_dtype(config.training.precision)
    limit = machine.limit(dtype)
    figures = growth.measured(config, growth.Point(**point))
    return {
        **asdict(figures),
        "settings": settings,
        "limit": limit,
        "gpu_peak_bytes": hardware.gpu_peak(),
        "devices": [device.name for device in tf.config.list_physical_devices()],
    }


def speeds(quick: bool) -> tuple[list[Check], list[dict[str, Any]]]:
    """Of the large model, by precision and batch; and what was measured."""
    large = [] if quick else LARGE
    vocabulary, length = (1000, 10) if quick else (32000, 30)
    points = [
        (
            precision,
            {"vocabulary": vocabulary, "length": length, "batch": batch, "beam": beam},
        )
        for precision in PRECISIONS
        for batch, beam in ((64, None), (256, None), (1024, None), (64, 1), (64, 5))
        if not (quick and batch > 64) and (beam is None or precision == "float32")
    ]
    checks, figures = [], []
    for precision, point in points:
        try:
            figure = alone(timed, [*large, f"training.precision={precision}"], point)
        except Exception as error:  # out of memory, say: the others still count
            checks.append(Check(f"{precision} {point}", str(error)[:60], "", False))
            continue
        figures.append(figure)
        checks.append(speed_check(precision, point, figure))
    return checks, figures


def speed_check(precision: str, point: dict[str, Any], figure: dict[str, Any]) -> Check:
    beam, batch = point["beam"], point["batch"]
    share = figure["operations"] / figure["seconds"] / figure["limit"]
    name = f"beam {beam}" if beam else f"training, {precision}"
    memory = figure["gpu_peak_bytes"] / 1e9 or figure["peak_megabytes"] / 1e3
    return Check(
        f"{name}, batch of {batch}",
        f"{figure['target_tokens'] / figure['seconds']:,.0f} target tokens/s",
        f"{share:.0%} of its products' limit; {memory:.1f} GB",
    )


def machine_lines() -> list[str]:
    """What the driver says of the GPUs."""
    if not shutil.which("nvidia-smi"):
        return ["no GPU: the processor stands in for it"]
    query = "--query-gpu=name,driver_version,memory.total"
    process = subprocess.run(
        ["nvidia-smi", query, "--format=csv,noheader"], capture_output=True, text=True
    )
    return process.stdout.splitlines() or [process.stderr.strip()]


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/gpu_check")
    parser.add_argument("--quick", action="store_true", help="a minute, small shapes")
    quick = parser.parse_args().quick
    updates = 100 if quick else 300
    lines = machine_lines()
    print("\n".join(lines), flush=True)
    checks: list[Check] = []
    with tempfile.TemporaryDirectory() as directory:
        for part in (same_numbers, exact_resuming):
            checks += (found := part(Path(directory), updates))
            print(*found, sep="\n", flush=True)
    found, figures = speeds(quick)
    print(*found, sep="\n")
    checks += found
    report = {"machine": lines, "checks": [asdict(c) for c in checks], "speed": figures}
    Path("gpu_check.json").write_text(json.dumps(report, indent=1) + "\n")
    print("all figures: gpu_check.json")
    sys.exit(any(check.good is False for check in checks))


if __name__ == "__main__":
    main()
