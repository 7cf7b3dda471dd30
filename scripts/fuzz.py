"""Files from a stranger: each is taken, or refused by an NmtError with a message.

A target reads files in a directory; hypothesis decides how they are damaged. It runs
in a process of its own, since what it looks for includes crashes in C++, hangs and
memory without bound. Of each kind of finding the first input is kept.
"""

import argparse
import importlib
import itertools
import json
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

TARGETS = ("config", "tokenizer", "checkpoint", "text")
# Of one input: the clock, and memory above what the program takes to start.
MOST_SECONDS = 10
MOST_BYTES = 2 << 30
# A process is replaced after so long, so that what it keeps does not pile up.
ROUND_SECONDS = 100

Case = Callable[[st.DataObject, Path], None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--target", action="append", choices=TARGETS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="Where findings are kept.")
    arguments = parser.parse_args()
    keep = arguments.keep or Path(tempfile.mkdtemp(prefix="nmt-fuzz-"))
    keep.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + 60 * arguments.minutes
    totals = dict.fromkeys(arguments.target or TARGETS, 0)
    findings: dict[str, Path] = {}
    number = arguments.seed
    with tempfile.TemporaryDirectory() as scratch:
        while time.monotonic() < end:
            for target in totals:
                seconds = min(ROUND_SECONDS, end - time.monotonic())
                if seconds <= 0:
                    break
                directory = Path(scratch) / f"{target}-{number}"
                count, found = _round(target, directory, number, seconds)
                totals[target] += count
                for kind, case in found.items():
                    name = f"{target}: {kind}"
                    if name not in findings:
                        places = (keep / f"finding-{n}" for n in itertools.count(1))
                        findings[name] = next(p for p in places if not p.exists())
                        _keep(case, findings[name])
                        print(f"{name}\n  {findings[name]}", flush=True)
                shutil.rmtree(directory, ignore_errors=True)
            number += 1
            print(f"{totals} inputs, {len(findings)} findings", flush=True)
    sys.exit(bool(findings))


def _round(
    target: str, directory: Path, number: int, seconds: float
) -> tuple[int, dict[str, Path]]:
    """How many inputs a process of its own read, and its findings by kind."""
    directory.mkdir(parents=True)
    program = [sys.executable, __file__, "--child"]
    with open(directory / "stderr", "wb") as errors:
        process = subprocess.Popen(
            [*program, target, str(directory), str(number), str(seconds)], stderr=errors
        )
        code = process.wait()
    report = json.loads((directory / "report.json").read_text())
    found = {kind: directory / name for kind, name in report["findings"].items()}
    if code:
        # By a signal (SIGALRM is the clock of a case), or an error that got out.
        name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        said = (directory / "stderr").read_text(errors="replace").strip()[-2000:]
        case = directory / "case"
        case.mkdir(exist_ok=True)  # not there where no input was read
        (case / "stderr").write_text(said)
        found[f"{name} {said.splitlines()[-1][:200] if said else ''}"] = case
    return report["inputs"], found


def child(target: str, directory: Path, number: int, seconds: float) -> None:
    """Reads inputs until the time is over; `case` always holds the present one."""
    sys.path.insert(0, str(Path(__file__).parent))
    inputs, findings = 0, {}

    def report() -> None:
        record = {"inputs": inputs, "findings": findings}
        aside = directory / "report.aside"
        aside.write_text(json.dumps(record))
        aside.replace(directory / "report.json")

    report()
    case: Case = importlib.import_module(f"fuzzing.{target}").make_case(directory)
    end = time.monotonic() + seconds
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (_data_bytes() + MOST_BYTES, hard))

    def one(data: st.DataObject) -> None:
        nonlocal inputs
        place = directory / "case"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        inputs += 1
        report()
        signal.setitimer(signal.ITIMER_REAL, MOST_SECONDS)
        try:
            case(data, place)
        except Exception as error:
            if type(error).__module__.startswith("hypothesis"):
                raise
            frame = traceback.extract_tb(error.__traceback__)[-1]
            kind = f"{type(error).__name__} in {frame.filename}:{frame.lineno}"
            if kind not in findings:
                findings[kind] = f"finding-{len(findings)}"
                (place / "traceback").write_text(traceback.format_exc())
                _keep(place, directory / findings[kind])
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)

    part = 0
    while time.monotonic() < end:
        part += 1
        run = given(st.data())(one)
        run = settings(
            max_examples=40,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )(run)
        seed(number * 1000 + part)(run)()
    report()


def _keep(case: Path, place: Path) -> None:
    """A copy, pipes and links as they are, which shutil would read."""
    subprocess.run(["cp", "-a", str(case), str(place)], check=True)


def _data_bytes() -> int:
    """What counts against RLIMIT_DATA by now."""
    status = Path("/proc/self/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmData")]
    return int(line.split()[1]) << 10


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        _, _, name, place, start, length = sys.argv
        child(name, Path(place), int(start), float(length))
    else:
        main()
