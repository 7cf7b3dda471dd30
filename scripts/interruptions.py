"""A run that is killed or preempted again and again, beside one that is left alone.

    python scripts/interruptions.py kill CONFIG [--set ...] [--times 20] [--seed 1]
    python scripts/interruptions.py preempt CONFIG [--set ...] [--times 24] [--every S]

kill: trains to the end undisturbed, and again with SIGKILLs at random moments, half of
them while a checkpoint is being saved. Both must end with the same weights, moments and
average, and with the same metrics, each step once.

preempt: trains to the end with a SIGTERM every S seconds of training (120). What is
lost is the time from each signal to the end of the first update after the restart.

The exit code is 0 if all that must hold does.
"""

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

TIMING = {"seconds", "data_wait"}
TIMING |= {f"{side}_tokens_per_second" for side in ("source", "target")}
# Says when each update ended; waiting for its result costs a CPU nothing.
CHILD = """
import sys, time
from nmt import cli, hardware
hardware.prepare()
from nmt.update import Updater
real = Updater.update
def timed(*arguments):
    report = real(*arguments)
    float(report.loss)
    print(time.time(), file=times, flush=True)
    return report
Updater.update = timed
times = open(sys.argv.pop(1), "a")
cli.main(sys.argv[1:])
"""


def command(config: Path, overrides: list[str], run: Path) -> list[str]:
    sets = [f"--set={override}" for override in [*overrides, f"run_dir={run}"]]
    return ["train", str(config), *sets]


def start(arguments: list[str], log: Path) -> "subprocess.Popen[bytes]":
    with log.open("ab") as stream:
        return subprocess.Popen(
            [sys.executable, *arguments], stderr=stream, stdin=subprocess.DEVNULL
        )


def unfinished(run: Path) -> set[int]:
    """The checkpoints that are being written or were left so, by inode."""
    found = set()
    for folder in (run / "checkpoints").glob("step-*.unfinished"):
        with suppress(FileNotFoundError):  # its save has just ended
            found.add(folder.stat().st_ino)
    return found


def wait_for_save(
    process: "subprocess.Popen[bytes]", run: Path, left: set[int], number: int
) -> None:
    """Returns in the middle of a save, the `number`-th from now, or at the end.

    `left`: what kills before have left unfinished.
    """
    seen = set(left)
    while process.poll() is None:
        if now := unfinished(run) - seen:
            seen |= now
            number -= 1
            if number == 0:
                return
        time.sleep(0.0005)


def kill_again_and_again(
    config: Path, overrides: list[str], run: Path, times: int, choice: random.Random
) -> tuple[int, int]:
    """Trains to the end; how many SIGKILLs there were, and how many inside saves."""
    log = run.with_suffix(".log")
    training = ["-m", "nmt", *command(config, overrides, run)]
    kills = inside = 0
    span = 10.0  # seconds within which a kill at a random moment comes
    while True:
        began = time.monotonic()
        left = unfinished(run)
        process = start(training, log)
        if kills < times:
            if kills % 2:
                wait_for_save(process, run, left, choice.randint(1, 3))
                time.sleep(choice.uniform(0, 0.05))
                span = max(span, 1.5 * (time.monotonic() - began))
            else:
                time.sleep(choice.uniform(0, span))
            in_save = bool(unfinished(run) - left)
            process.kill()
        code = process.wait()
        if code == -signal.SIGKILL:
            kills += 1
            inside += in_save
            print(
                f"kill {kills}: after {time.monotonic() - began:.1f} s"
                + (", inside a save" if in_save else ""),
                flush=True,
            )
        elif code == 0:
            return kills, inside
        else:
            sys.exit(f"exit code {code}:\n{log.read_text()[-2000:]}")


def outcome(run: Path) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """The checksums of the last checkpoint's arrays, and the metrics without times."""
    folder = run / "checkpoints"
    last = folder / (folder / "last").read_text().strip()
    manifest = json.loads((last / "manifest.json").read_text())
    checksums = {
        f"{last.name}/{name}": entry["sha256"]
        for name, entry in manifest.items()
        if name.endswith(".npz")
    }
    lines = (run / "metrics.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    return checksums, [
        {key: value for key, value in record.items() if key not in TIMING}
        for record in records
        if record["kind"] != "start"  # of which there is one a start
    ]


def kill(arguments: argparse.Namespace, folder: Path) -> bool:
    straight, killed = folder / "straight", folder / "killed"
    began = time.monotonic()
    process = start(
        ["-m", "nmt", *command(arguments.config, arguments.overrides, straight)],
        straight.with_suffix(".log"),
    )
    if process.wait():
        sys.exit(straight.with_suffix(".log").read_text()[-2000:])
    print(f"undisturbed: {time.monotonic() - began:.0f} s", flush=True)
    kills, inside = kill_again_and_again(
        arguments.config,
        arguments.overrides,
        killed,
        arguments.times,
        random.Random(arguments.seed),
    )
    (weights, metrics), (expected, expected_metrics) = map(outcome, (killed, straight))
    counts = Counter((record["kind"], record["step"]) for record in metrics)
    for name, checksum in weights.items():
        same = "equal" if expected.get(name) == checksum else "DIFFERENT"
        print(f"{checksum}  {name}  {same}")
    once = max(counts.values()) == 1
    print(
        f"{kills} SIGKILLs, {inside} inside a save; weights "
        f"{'equal' if weights == expected else 'DIFFER'}; {len(metrics)} lines of "
        f"metrics, each step {'once' if once else 'NOT once'}, "
        f"{'equal' if metrics == expected_metrics else 'DIFFERENT'} but for times"
    )
    if kills < arguments.times:
        print("the run ended before the last kill: raise training.epochs")
    return (
        kills == arguments.times
        and weights == expected
        and once
        and metrics == expected_metrics
    )


def preempt(arguments: argparse.Namespace, folder: Path) -> bool:
    run, times = folder / "preempted", folder / "updates"
    training = command(arguments.config, arguments.overrides, run)
    lost: list[float] = []
    signalled = 0.0
    began = time.time()
    while True:
        times.write_text("")
        process = start(["-c", CHILD, str(times), *training], run.with_suffix(".log"))
        while process.poll() is None and not times.read_text().endswith("\n"):
            time.sleep(0.05)
        updates = times.read_text().splitlines()
        if signalled and updates:
            lost.append(float(updates[0]) - signalled)
            print(f"preemption {len(lost)}: {lost[-1]:.2f} s lost", flush=True)
        try:
            if len(lost) < arguments.times:
                process.wait(arguments.every)
            code = process.wait()
        except subprocess.TimeoutExpired:
            signalled = time.time()
            process.send_signal(signal.SIGTERM)
            code = process.wait()
        if code == 0:
            break
        if code != 128 + signal.SIGTERM:
            sys.exit(
                f"exit code {code}:\n{run.with_suffix('.log').read_text()[-2000:]}"
            )
    total = time.time() - began
    if len(lost) < arguments.times:
        sys.exit(
            f"the run ended after {len(lost)} of {arguments.times} preemptions: lower "
            "--every or --times, or raise training.epochs"
        )
    print(
        f"{len(lost)} preemptions of a run of {total:.0f} s: {sum(lost):.1f} s lost, "
        f"{sum(lost) / len(lost):.2f} s each, {sum(lost) / (total - sum(lost)):.2%} of "
        "the time of training without them"
    )
    return True


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("mode", choices=["kill", "preempt"])
    parser.add_argument("config", type=Path)
    parser.add_argument("--set", dest="overrides", action="append", default=[])
    parser.add_argument("--times", type=int, help="of the interruptions (20, or 24)")
    parser.add_argument("--seed", type=int, default=1, help="of the random moments")
    parser.add_argument(
        "--every",
        type=float,
        default=120.0,
        help="seconds between two SIGTERMs",
    )
    arguments = parser.parse_args()
    arguments.times = arguments.times or (20 if arguments.mode == "kill" else 24)
    with tempfile.TemporaryDirectory() as folder:
        test = kill if arguments.mode == "kill" else preempt
        sys.exit(0 if test(arguments, Path(folder)) else 1)


if __name__ == "__main__":
    main()
