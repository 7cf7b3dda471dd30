"""Each bad input ends in a message for people; nothing that was there is changed.

`pytest tests/test_bad_inputs.py --messages FILE` writes all messages, to be read.
"""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import bad_inputs
import bad_runs
import bad_text
import pytest
import yaml
from bad_inputs import Bad
from click.testing import CliRunner
from conftest import ToyRun
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from training_runs import nmt_train

from nmt import cli

SETTINGS = bad_inputs.settings(bad_inputs.resolved_schema())
# What tells the user how to go on, or what usually is behind it.
REMEDIES = (
    "usual cause",
    "Usual cause",
    "did you mean",
    "allowed",
    "should",
    "needs",
    "clashes",
    "given twice",
    "; ",
    " (",
)


@pytest.fixture(scope="module")
def messages(request: pytest.FixtureRequest) -> Iterator[list[str]]:
    found: list[str] = []
    yield found
    if path := request.config.getoption("--messages"):
        with open(path, "a", encoding="utf-8") as stream:
            stream.write("\n".join(found) + "\n")


def contents(directory: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(directory)): path.read_bytes()
        if path.is_file() and path.stat().st_size
        else None
        for path in directory.rglob("*")
        if not path.is_symlink()
    }


def refused(bad: Bad, directory: Path) -> str:
    """The message; fails where anything else happens than one."""
    directory.mkdir()
    arguments = bad.make(directory)
    before = contents(directory)
    result = CliRunner().invoke(cli.main, arguments)
    assert result.exit_code in (1, 2), (bad.name, result.output, result.exception)
    assert isinstance(result.exception, SystemExit), (bad.name, result.exception)
    # The errors that nmt check finds in data stand at the top of its report.
    report = [line for line in result.stdout.splitlines() if line.startswith("error")]
    message = "\n".join([*report, result.stderr])
    assert bad.says.format(directory) in message, (bad.name, message)
    assert "Traceback" not in message
    assert any(sign in message for sign in REMEDIES), (bad.name, message)
    assert len(message) < 20_000
    after = contents(directory)
    made = {name for name in set(after) - set(before) if not allowed(name, after)}
    assert not made, (bad.name, made)
    assert all(after[name] == content for name, content in before.items()), bad.name
    return message.replace(str(directory), "DIR")


def allowed(name: str, after: dict[str, bytes | None]) -> bool:
    """Whether a start that fails may leave this in a run directory that was not there.

    Its settings and its log: the next start takes them, or others.
    """
    return name.startswith("run/events") or name in (
        "run",
        "run/train.lock",
        "run/train.log",
        "run/config.yaml",
        "run/metrics.jsonl",
        "run/tokenizer",
        "run/tokenizer/joint.model",
        "run/tokenizer/origin.json",
    )


def all_refused(inputs: Sequence[Bad], tmp_path: Path, messages: list[str]) -> None:
    for number, bad in enumerate(inputs):
        message = refused(bad, tmp_path / str(number))
        messages.append(f"## {bad.name!r}\n{message}")


def test_there_are_as_many_as_the_page_on_faults_says() -> None:
    inputs = [*SETTINGS, *bad_inputs.CONFIGS, *bad_text.DATA, *bad_runs.RUNS]
    assert len(inputs) >= 600


def test_values_that_a_key_cannot_have(tmp_path: Path, messages: list[str]) -> None:
    all_refused(SETTINGS, tmp_path, messages)


def test_files_that_are_no_configuration(tmp_path: Path, messages: list[str]) -> None:
    all_refused(bad_inputs.CONFIGS, tmp_path, messages)


def test_text_that_cannot_be_trained_on(tmp_path: Path, messages: list[str]) -> None:
    all_refused(bad_text.DATA, tmp_path, messages)


def test_runs_that_cannot_be_used(
    toy_run: ToyRun, tmp_path: Path, messages: list[str]
) -> None:
    all_refused([of(toy_run.path) for of in bad_runs.RUNS], tmp_path, messages)


@pytest.mark.parametrize("name", [b"\xff.yaml", b"caf\xe9", b"\x1b[2J.yaml"])
def test_a_file_name_of_any_bytes_is_told(name: bytes, tmp_path: Path) -> None:
    for command in ("check", "info"):
        process = subprocess.run(
            [sys.executable.encode(), b"-m", b"nmt", command.encode(), name],
            capture_output=True,
            cwd=tmp_path,
            timeout=100,
        )
        assert process.returncode == 1, process.stderr
        assert process.stderr.startswith(b"Error: ")
        assert b"Traceback" not in process.stderr and b"\x1b" not in process.stderr


GOOD = bad_inputs.CONFIG.format("nowhere").encode()


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.tuples(st.integers(0, len(GOOD)), st.integers(0, 9), st.binary(max_size=6)),
        min_size=1,
        max_size=4,
    )
)
def test_a_configuration_with_any_bytes_changed_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int, bytes]]
) -> None:
    content = GOOD
    for place, length, put in changes:
        content = content[:place] + put + content[place + length :]
    path = tmp_path_factory.mktemp("config") / "config.yaml"
    path.write_bytes(content)
    result = CliRunner().invoke(cli.main, ["check", str(path)])
    assert result.exit_code == 1  # its data is nowhere
    assert isinstance(result.exception, SystemExit)
    assert str(path) in result.stderr or "nowhere" in result.stdout


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from(sorted(bad_inputs.resolved_schema())),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda below: (
            st.lists(below, max_size=3)
            | st.dictionaries(st.text(max_size=9), below, max_size=3)
        ),
        max_leaves=9,
    ),
)
def test_a_section_of_any_value_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, section: str, value: object
) -> None:
    tree = yaml.safe_load(GOOD)
    path = tmp_path_factory.mktemp("config") / "config.yaml"
    path.write_text(yaml.safe_dump({**tree, section: value}, allow_unicode=True))
    result = CliRunner().invoke(cli.main, ["check", str(path)])
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)


def test_all_files_that_are_missing_are_named_before_anything_is_done(
    config: Path, tmp_path: Path
) -> None:
    paths = [tmp_path / name for name in "abcd"]
    data = [
        f"--set=data.{name}={{source: {source}, target: {target}}}"
        for name, source, target in (
            ("train", *paths[:2]),
            ("validation", *paths[2:]),
        )
    ]
    for dry_run in ([], ["--dry-run"]):
        result = nmt_train(config, *data, *dry_run)
        assert result.exit_code == 1
        assert all(f"{path}: no such file" in result.stderr for path in paths)
    assert not (tmp_path / "run").exists()
