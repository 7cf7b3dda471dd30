"""A copy of the project whose `nmt` only tells, for tests of scripts for GPU boxes."""

import os
import shutil
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
echo "left alone" >>"$CALLS"
"""
TELLING_SMI = r"""#!/usr/bin/env bash
case $* in
*--id=0*) [[ -z ${LOST-} ]] || { echo 'GPU is lost'; exit 15; }; echo 300 ;;
*index*) printf '0\n1\n2\n' ;;
*--id=1*) echo 40000 ;;
*--id=7*) echo 'No devices were found'; exit 6 ;;
*memory.free*) echo 300 ;;
esac
"""
# The one checkpoint of a box's runs, `run` and `run-2`.
STEP = "checkpoints/step-00000001"


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
        for name in "run", "run-2":
            for directory in "tokenizer", STEP:
                (path / name / directory).mkdir(parents=True)
            (path / name / "config.yaml").touch()
            (path / name / "tokenizer/model").touch()
            (path / name / STEP / "manifest.json").touch()
            (path / name / "checkpoints/best").write_text(Path(STEP).name + "\n")
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
