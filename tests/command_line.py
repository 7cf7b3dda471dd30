"""The command line as tests call it, and a translator that needs no model."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
from click.testing import CliRunner, Result

from nmt import cli

PROJECT = Path(__file__).parent.parent


def walk(
    command: click.Command, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command with the words that call it."""
    yield path, command
    if isinstance(command, click.Group):
        for name, child in command.commands.items():
            yield from walk(child, (*path, name))


COMMANDS = dict(walk(cli.main))


def run(*arguments: str | Path, input: str | bytes | None = None) -> Result:
    return CliRunner().invoke(cli.main, list(map(str, arguments)), input=input)


def run_process(
    *arguments: str, code: str = "from nmt.cli import main; main()", **options: Any
) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, cwd=PROJECT, stderr=subprocess.PIPE, **options)


class Shouting:
    """A translator whose translations are the lines in capitals; a dot is a cut one."""

    target_language = None

    def __init__(self, search: Any) -> None:
        self.search = search
        self.beam: Any = None
        self.opened: tuple[Path, ...] = ()
        self.asked: list[tuple[Any, dict[str, Any]]] = []

    def translate(
        self,
        lines: Sequence[str],
        search: Any = None,
        *,
        prefixes: Sequence[str] | None = None,
        **options: Any,
    ) -> list[Any]:
        from nmt.translation import TextHypothesis, Translation

        self.asked.append((search, options))
        best = getattr(search, "nbest", 1) if search else 1
        return [
            Translation(
                line,
                tuple(
                    TextHypothesis(
                        prefix + line.upper() + "!" * rank,
                        -rank / 2,
                        -rank,
                        [],
                        [(0, 0), (1, 0)] if line else [],
                        finished="." not in line,
                    )
                    for rank in range(best)
                ),
            )
            for line, prefix in zip(lines, prefixes or [""] * len(lines), strict=True)
        ]

    def score(self, sources: Sequence[str], targets: Sequence[str]) -> list[float]:
        return [
            len(source) - len(target) / 4
            for source, target in zip(sources, targets, strict=True)
        ]
