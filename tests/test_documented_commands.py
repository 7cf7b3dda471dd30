"""Every command line in the documentation: run, or at least read by its parser.

Those of the README and of CONTRIBUTING.md that are about a run of one's own are run, in
their order, in a directory where `mine.yaml` names a little text. Those that take long
are only parsed, as are those of the other pages.
"""

import os
import re
import shlex
import shutil
from collections.abc import Iterator
from itertools import dropwhile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from command_line import COMMANDS, PROJECT

from nmt import cli

PAGES = [
    *map(PROJECT.joinpath, ["README.md", "CONTRIBUTING.md", "data/README.md"]),
    *sorted((PROJECT / "docs").glob("*.md")),
]
RUN = PAGES[:2]
# What is not there in a moment: other runs, their text, one more training.
LONG = re.compile(r"multi30k|runs/sample|configs/|--restart|training\.seed")
# What may stand before a command: variables of its own, and SLURM.
BEFORE = re.compile(r"[A-Z_]+=.*|srun|--(nodes|ntasks-per-node|gpus-per-task)=\d+")
# Commands that the README shows on a run of one's own.
KNOWN = {"train", "check", "translate", "greedy", "beam", "sample", "score", "info"}
KNOWN |= {"attention", "evaluate", "plot", "report", "average", "export"}

MINE = """
run_dir: runs/mine
data:
  train: {source: mine/train.en, target: mine/train.de}
  validation: {source: mine/valid.en, target: mine/valid.de}
tokenizer: {vocab_size: 400}
model: {embedding_size: 8, encoder_size: 6, decoder_size: 8, decoder_cell: gru,
  layer_norm: false}
training: {batch_size: 20, steps: 10, validate_every: 4, learning_rate: 0.02}
decoding: {method: greedy}
"""


def command_lines(page: Path) -> Iterator[list[str]]:
    """The words of each line of a block of bash, its comments left out."""
    text = page.read_text(encoding="utf-8")
    for block in re.findall(r"^```bash\n(.*?)^```", text, re.S | re.M):
        for line in block.replace("\\\n", " ").splitlines():
            # `<` and `>` are words wherever they stand, `--set a=b` is one.
            lexer = shlex.shlex(line, posix=True, punctuation_chars="<>|;&()")
            lexer.whitespace_split = True
            if words := list(lexer):
                yield words


LINES = [(page, words) for page in PAGES for words in command_lines(page)]


def calls(words: list[str]) -> Iterator[list[str]]:
    """What stands between pipes and semicolons."""
    call: list[str] = []
    for word in [*words, ";"]:
        if re.fullmatch(r"[|;&()]+", word):
            if call:
                yield call
            call = []
        else:
            call.append(word)


def redirected(call: list[str]) -> tuple[list[str], str | None, str | None]:
    """The words of a call without its redirections, and these: from, to."""
    words, ends = [], {"<": None, ">": None}
    waiting = iter(call)
    for word in waiting:
        if word in ends:
            ends[word] = next(waiting)
        else:
            words.append(word)
    return words, ends["<"], ends[">"]


@pytest.fixture
def parsing_only(monkeypatch: pytest.MonkeyPatch) -> None:
    for command in COMMANDS.values():
        monkeypatch.setattr(command, "callback", lambda *_, **__: None)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_line_is_one(page: Path, parsing_only: None) -> None:
    for words in command_lines(page):
        for call in calls(words):
            program, *arguments = dropwhile(BEFORE.fullmatch, redirected(call)[0])
            if program == "nmt":
                result = CliRunner().invoke(cli.main, arguments)
                assert result.exit_code == 0, f"{' '.join(words)}\n{result.output}"
            elif program.startswith("scripts/"):
                assert os.access(PROJECT / program, os.X_OK), program
            for word in call:
                if re.match(r"(configs|scripts|tests)/", word):
                    assert (PROJECT / word).exists(), word


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_example_in_the_help_is_a_command_line(
    path: tuple[str, ...], parsing_only: None
) -> None:
    shown = CliRunner().invoke(cli.main, [*path, "--help"]).stdout
    examples = re.findall(r"^  (?:  |Example: )(?:echo .*\| )?nmt (.*)", shown, re.M)
    assert examples
    for example in examples:
        # What is behind more than one blank explains the line.
        words = redirected(shlex.split(re.split("  +", example)[0]))[0]
        result = CliRunner().invoke(cli.main, words)
        assert result.exit_code == 0, f"nmt {example}\n{result.output}"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with the files that the README speaks of."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine.yaml").write_text(MINE)
    sample = PROJECT / "data" / "sample"
    for language, beginning in ("en", ""), ("de", "Der"):
        lines = (sample / f"train.{language}").read_text().splitlines(keepends=True)
        for name, part in {
            f"mine/train.{language}": lines[:200],
            f"mine/valid.{language}": lines[200:210],
            f"test.{language}": lines[210:214],
            f"input.{language}": lines[214:217],
            f"letters.{language}": lines[217:300],
            f"begin.{language}": [beginning + "\n"] * 3,
        }.items():
            (tmp_path / name).write_text("".join(part))
    return tmp_path


def test_the_commands_about_a_run_of_ones_own_run(
    place: Path, opened_once: None
) -> None:
    done = []
    for page, words in LINES:
        if page not in RUN or LONG.search(" ".join(words)):
            continue
        for call in calls(words):
            (program, *arguments), source, target = redirected(call)
            if program != "nmt":
                continue
            result = CliRunner().invoke(
                cli.main, arguments, input=Path(source).read_bytes() if source else None
            )
            assert result.exit_code == 0, f"{' '.join(words)}\n{result.output}"
            if target:
                Path(target).write_bytes(result.stdout_bytes)
            done.append(arguments)
            if arguments == ["train", "mine.yaml"]:
                shutil.copytree("runs/mine", "runs/mine-2")
    called = {word for arguments in done for word in arguments}
    assert called >= KNOWN
    for path in ("output.de", "links", "picture.svg"):
        assert Path(path).stat().st_size > 0
    assert Path("output.de").read_text().count("\n") == 3


def test_the_readmes_python_runs(place: Path, toy_run: Any) -> None:
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    (place / "runs").mkdir()
    (place / "runs" / "mine").symlink_to(toy_run.path)
    for code in re.findall(r"^```python\n(.*?)^```", readme, re.S | re.M):
        names: dict[str, Any] = {}
        exec(code, names)
        assert names["log_prob"] <= 0
