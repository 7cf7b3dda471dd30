"""What `nmt translate` was asked, and whether its files will do.

Knows nothing of how it searches, nor of models.
"""

from dataclasses import dataclass
from pathlib import Path

import click

from nmt.files import behind_links, cannot_be_read


def standard_if_dash(
    context: click.Context, parameter: click.Parameter, path: Path | None
) -> Path | None:
    """None, which is standard input or output, for the customary `-`."""
    return None if path == Path("-") else path


def no_dash(
    context: click.Context, parameter: click.Parameter, path: Path | None
) -> Path | None:
    """The path; a wrong command line for `-`, which names no file here."""
    if path == Path("-"):
        raise click.BadParameter(
            "needs a file of its own; only --input and --output may be -"
        )
    return path


@dataclass(frozen=True)
class TranslateRequest:
    """What `nmt translate` was asked, however it then searches."""

    checkpoints: tuple[Path, ...]
    input: Path | None
    output: Path | None
    format: str | None
    alignments: Path | None
    prefix: Path | None


def check_files(request: TranslateRequest) -> None:
    """Nothing, if the request's files can be read and written.

    Raises: click.UsageError where one would be lost, DataError for one that is missing
        or has not the lines that it should.
    """
    written = [
        (kind, behind_links(path))
        for kind, path in (
            ("--output", request.output),
            ("--alignments", request.alignments),
        )
        # One device may be written by both.
        if path and (path.is_file() or not path.exists())
    ]
    if len({path for _, path in written}) < len(written):
        raise click.UsageError(
            f"--output and --alignments are both {request.output}: two texts, two files"
        )
    for other, read in ("--input", request.input), ("--prefix", request.prefix):
        if read is None:
            continue
        if not read.exists():
            raise cannot_be_read(read, FileNotFoundError())
        for kind, path in written:
            if _is_one_file(path, read):
                raise click.UsageError(
                    f"{kind} and {other} are both {read}: it would be lost; write to "
                    "another file"
                )
    if request.input and request.prefix:
        _check_prefixes(request.input, request.prefix)


def _check_prefixes(source: Path, prefix: Path) -> None:
    """Nothing, if there is a prefix for each line.

    Raises: DataError if not: now, and not when all has been translated.
    """
    from nmt.parallel_text import count_lines, uneven_prefixes

    if source.is_file() and prefix.is_file():  # a pipe cannot be read again
        lines, prefixes = count_lines(source), count_lines(prefix)
        if lines != prefixes:
            raise uneven_prefixes(
                f"{source} has {lines} lines and {prefix} has {prefixes}"
            )


def _is_one_file(path: Path, other: Path) -> bool:
    """Whether writing one loses the other, as of a device it does not."""
    return path.is_file() and other.is_file() and path.samefile(other)
