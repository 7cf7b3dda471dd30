"""The command line: help, exit codes, messages, and what goes where."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import numpy as np
import pytest
from click.testing import CliRunner, Result
from command_line import COMMANDS, PROJECT, run, run_process
from conftest import needs_full_disk

from nmt import hardware
from nmt.errors import NmtError
from nmt.signals import Interrupted
from nmt.terminal import Verbosity

# Help -----------------------------------------------------------------------------


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_has_help_an_example_and_help_for_every_option(
    path: tuple[str, ...],
) -> None:
    result = run(*path, "--help")
    assert result.exit_code == 0
    assert re.search(rf"Examples?:\s+nmt {' '.join(path[:1])}", result.stdout)
    for parameter in COMMANDS[path].params:
        if isinstance(parameter, click.Option):
            assert parameter.help


@pytest.mark.parametrize("columns", ["80", "120"])
def test_what_each_command_does_is_said_in_one_line(columns: str) -> None:
    for path, command in COMMANDS.items():
        if isinstance(command, click.Group):
            words = [*path, "--help"]
            result = CliRunner().invoke(COMMANDS[()], words, env={"COLUMNS": columns})
            assert "..." not in result.stdout.partition("Commands:")[2]


def complete(line: str) -> list[str]:
    """What the shell offers behind `line`, by the program's own completion."""
    environment = {
        **os.environ,
        "_NMT_COMPLETE": "bash_complete",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(line.split(" ")) - 1),
    }
    code = (
        "import atexit, sys\n"
        "atexit.register(lambda: 'tensorflow' in sys.modules and print('tensorflow'))\n"
        "from nmt.cli import main; main(prog_name='nmt')"
    )
    process = run_process(code=code, stdout=subprocess.PIPE, env=environment)
    return process.stdout.decode().splitlines()


def test_the_shell_completes_commands_options_choices_and_files() -> None:
    assert complete("nmt t") == ["plain,train", "plain,translate"]
    assert complete("nmt translate --ckpt runs/x b") == ["plain,beam"]
    assert complete("nmt translate beam --len") == ["plain,--length-penalty"]
    assert complete("nmt translate --format j") == ["plain,jsonl"]
    assert complete("nmt train ") == ["file,"]


def test_the_readmes_table_has_each_command_with_its_options_and_no_others() -> None:
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    table: dict[str, set[str]] = {}
    for words, options in re.findall(
        r"^\| `nmt ([a-z ]+)[^|]*` \|(.*)\|$", readme, re.M
    ):
        name, before = words.strip(), list(table)
        table[name] = set(re.findall(r"--[a-z-]+", options))
        if "the same as greedy" in options:
            table[name] |= table["translate greedy"]
        elif "the same" in options:
            table[name] |= table[before[-1]]
    assert table == {
        " ".join(path): {
            name
            for parameter in command.params
            if isinstance(parameter, click.Option)
            for name in parameter.opts
            if name.startswith("--") and name != "--help"
        }
        for path, command in COMMANDS.items()
        if path
    }


def test_help_and_configuration_errors_come_without_tensorflow(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("run_dir: run\nmodle: {}\n")
    code = """
import sys
from click.testing import CliRunner
from nmt.cli import main
for arguments in sys.argv[1:]:
    result = CliRunner().invoke(main, arguments.split())
    print(result.exit_code, arguments)
sys.exit("tensorflow" in sys.modules)
"""
    calls = [
        *(" ".join([*path, "--help"]) for path in COMMANDS),
        "--version",
        f"train {config}",
        f"train {config} --dry-run",
        f"check {config}",
    ]
    process = run_process(*calls, code=code, stdout=subprocess.PIPE)
    assert process.returncode == 0, process.stderr
    expected = [f"{int('config.yaml' in call)} {call}" for call in calls]
    assert process.stdout.decode().splitlines() == expected


# Errors ---------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["train", "check"])
def test_configuration_errors_are_one_message_and_exit_code_one(
    command: str, tmp_path: Path
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("run_dir: run\nmodle: {}\ntraining: {seed: many}\n")
    result = run(command, config)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert f"{config}:2" in result.stderr and f"{config}:3" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    "arguments, says",
    [
        (["translate"], "--ckpt"),
        (["translate", "beam"], "--ckpt"),
        (["translate", "--ckpt", "a", "sample_badly"], "sample_badly"),
        (["translate", "--ckpt", "a", "--format", "xml"], "xml"),
        (["translate", "--ckpt", "a", "--alignments", "-"], "a file of its own"),
        (["translate", "--ckpt", "a", "greedy", "--prefix", "-"], "a file of its own"),
        (["translate", "--ckpt", "a", "beam", "--beam-size", "0"], "0"),
        (["translate", "--ckpt", "a", "beam", "--nbest", "6"], "--beam-size"),
        (["translate", "--ckpt", "a", "beam", "--length-penalty", "nan"], "finite"),
        (["translate", "--ckpt", "a", "beam", "--coverage-penalty", "inf"], "10"),
        (["translate", "--ckpt", "a", "sample", "--temperature", "0"], "0"),
        (["translate", "--ckpt", "a", "sample", "--top-p", "nan"], "finite"),
        (
            ["translate", "--ckpt", "a", "greedy"]
            + ["--min-length", "9", "--max-length", "8"],
            "--max-length",
        ),
        (["train", "a", "--dry-run", "--restart"], "--restart"),
        (["evaluate", "--ckpt", "a"], "--source"),
        (["score", "--ckpt", "a", "--source", "b"], "--target"),
        (["train"], "CONFIG"),
    ],
)
def test_a_wrong_command_line_is_exit_code_two(arguments: list[str], says: str) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert says in result.stderr


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that makes `nmt info` end with the given exception."""

    def fail_with(error: BaseException) -> Result:
        def fail() -> None:
            raise error

        monkeypatch.setattr(hardware, "prepare", fail)
        return run("info", "runs/some")

    return fail_with


def test_every_error_meant_for_users_is_its_message(failing: Any) -> None:
    for kind in (NmtError, *NmtError.__subclasses__()):
        result = failing(kind("run.txt:3: wrong"))
        assert (result.exit_code, result.stderr) == (1, "Error: run.txt:3: wrong\n")


def test_trouble_of_the_machine_is_one_message(failing: Any) -> None:
    result = failing(OSError(28, "No space left on device", "runs/some/train.log"))
    assert result.exit_code == 1
    assert result.stderr == "Error: runs/some/train.log: No space left on device\n"


def test_running_out_of_memory_says_what_to_lower(failing: Any) -> None:
    # TensorFlow's error, without its import.
    exhausted = type("ResourceExhaustedError", (Exception,), {})
    internal = type("InternalError", (Exception,), {})
    for error in (
        MemoryError(),
        exhausted("OOM when allocating tensor"),
        internal("CUDA_ERROR_OUT_OF_MEMORY: out of memory"),
        internal("Failed copying input tensor: Dst tensor is not initialized."),
        internal("Failed to create cublas handle: CUBLAS_STATUS_ALLOC_FAILED"),
    ):
        result = failing(error)
        assert result.exit_code == 1
        assert "training.batch_size" in result.stderr
        assert "Traceback" not in result.stderr


def test_control_c_is_quiet_and_exit_code_130(failing: Any) -> None:
    result = failing(KeyboardInterrupt())
    assert (result.exit_code, result.output) == (130, "")


def test_a_programming_error_stays_an_error(failing: Any) -> None:
    assert isinstance(failing(AssertionError("bug")).exception, AssertionError)


# train, check and info ------------------------------------------------------------


@pytest.fixture
def training(monkeypatch: pytest.MonkeyPatch, no_tensorflow: None) -> Any:
    """A module that trains and notes its calls, and ends as `outcome` says."""

    fake = SimpleNamespace(calls=[], verbosities=[], interrupt_with=None)

    def train(config: Any, *, restart: bool, verbosity: Verbosity) -> None:
        fake.calls.append(("train", config.training.seed, restart))
        fake.verbosities.append(verbosity)
        if fake.interrupt_with:
            raise Interrupted(fake.interrupt_with)

    fake.train = train
    fake.dry_run = lambda config: str(
        fake.calls.append(("dry_run", config.training.seed))
    )
    for name in ("nmt.starting", "nmt.rehearsal"):
        monkeypatch.setitem(sys.modules, name, fake)
        monkeypatch.setattr(name, fake, raising=False)
    return fake


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(
        "run_dir: run\n"
        "data:\n"
        "  train: {source: train.en, target: train.de}\n"
        "  validation: {source: val.en, target: val.de}\n"
    )
    return path


def test_train_trains_what_config_and_overrides_say(
    training: Any, config: Path
) -> None:
    assert run("train", config, "--set", "training.seed=7").exit_code == 0
    assert run("train", config, "--restart").exit_code == 0
    tried = run("train", config, "--dry-run")
    assert (tried.exit_code, tried.stdout, tried.stderr) == (0, "None\n", "")
    assert training.calls == [("train", 7, False), ("train", 1, True), ("dry_run", 1)]


def test_train_says_as_much_as_it_is_told_to(
    training: Any, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NMT_TENSORFLOW_LOG", "")
    assert run("train", config).exit_code == 0
    assert run("train", config, "--quiet").exit_code == 0
    assert os.environ["NMT_TENSORFLOW_LOG"] == ""
    assert run("train", config, "--verbose").exit_code == 0
    assert os.environ["NMT_TENSORFLOW_LOG"] == "1"
    normal, quiet, verbose = Verbosity.NORMAL, Verbosity.QUIET, Verbosity.VERBOSE
    assert training.verbosities == [normal, quiet, verbose]
    result = run("train", config, "--quiet", "--verbose")
    assert result.exit_code == 2 and "one of the two" in result.stderr


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_training_exits_with_its_signal(
    training: Any, config: Path, number: int, code: int
) -> None:
    training.interrupt_with = number
    assert run("train", config).exit_code == code


def test_check_prints_the_report_and_fails_where_training_would(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(config.parent)
    for name in ("train.en", "train.de", "val.en", "val.de"):
        Path(name).write_text(f"A line of {name} .\n" * 3)
    fine = run("check", config)
    assert (fine.exit_code, fine.stderr) == (0, "")
    assert "train.en" in fine.stdout and "val.de" in fine.stdout
    Path("val.de").write_text("one line\n")
    broken = run("check", config)
    assert broken.exit_code == 1
    assert "val.de has 1" in broken.stdout
    assert broken.stderr.startswith("Error: ")


def test_info_says_what_a_run_is(untrained: Path) -> None:
    checkpoint = untrained / "checkpoints" / "step-00000007"
    of_run, of_checkpoint = run("info", untrained), run("info", checkpoint)
    assert of_run.exit_code == 0
    assert of_run.stdout == of_checkpoint.stdout
    facts = dict(line.split(maxsplit=1) for line in of_run.stdout.splitlines())
    assert facts["checkpoint"] == str(checkpoint)
    assert facts["languages"] == "en -> de"
    assert facts["sizes"] == "embedding 4, encoder 1 x 2 x 3, decoder 5"
    assert (facts["step"], facts["epoch"]) == ("7", "2")
    assert (facts["bleu"], facts["chrf"]) == ("12.35", "34.50")
    assert "CPU" in facts["devices"]
    with np.load(checkpoint / "weights.npz") as weights:
        count = sum(weight.size for weight in weights.values())
    assert facts["parameters"] == f"{count:,}"


# What only a real process shows ------------------------------------------------------

# `nmt info` that prints much, needs nothing, and ends with an error.
CHATTERING = """
import click
from nmt import cli, errors, hardware
def chatter():
    for _ in range(9999):
        click.echo("\\u00fcber" * 99)
    raise errors.NmtError("\\u00fcber")
hardware.prepare = chatter
cli.main(["info", "x"])
"""


def test_a_reader_that_goes_away_ends_the_command_quietly() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = run_process(code=CHATTERING, stdout=writing)
    os.close(writing)
    assert (process.returncode, process.stderr) == (141, b"")


@needs_full_disk
def test_a_full_disk_under_stdout_is_one_message() -> None:
    with open("/dev/full", "wb") as full:
        process = run_process(code=CHATTERING, stdout=full)
    assert process.returncode == 1
    assert process.stderr.startswith(b"Error: ")
    assert b"No space left on device" in process.stderr
    assert process.stderr.count(b"\n") == 1


@pytest.mark.skipif(os.name != "posix", reason="closes descriptors as a shell does")
def test_closed_standard_streams_are_empty_ones() -> None:
    code = """
import os, sys
from nmt import cli, cli_scoring, hardware
hardware.prepare = lambda: sys.exit(sys.stdin.read() + "done")
cli.main(["info", "x"])
"""
    process = subprocess.run(
        ["sh", "-c", '"$0" -c "$1" <&- >&-', sys.executable, code],
        cwd=PROJECT,
        stderr=subprocess.PIPE,
    )
    assert process.stderr == b"done\n"


def test_output_is_utf8_whatever_the_locale() -> None:
    environment = {**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": "ascii"}
    process = run_process(code=CHATTERING, stdout=subprocess.PIPE, env=environment)
    assert process.stdout == ("\u00fcber" * 99 + "\n").encode() * 9999
    assert process.stderr == "Error: \u00fcber\n".encode()
