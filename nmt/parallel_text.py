"""Two files of text, read side by side: translations of each other, line by line.

Knows nothing of tokens.
"""

from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import TypeVar, cast

from nmt.config import TextPair
from nmt.errors import DataError
from nmt.files import require_regular
from nmt.text import read_lines, read_lines_or_none, read_raw_lines

Line = TypeVar("Line")


def require_files(*pairs: TextPair) -> None:
    """Nothing, if all their files can be read.

    Raises: DataError, one line for each that cannot, or is a pipe or a device.
    """
    errors = []
    named = [path for pair in pairs for path in (pair.source, pair.target)]
    for path in dict.fromkeys(named):
        try:
            require_regular(path)
        except DataError as error:
            errors.append(str(error))
    if errors:
        raise DataError("\n".join(errors))


def load_pairs(pair: TextPair) -> tuple[list[str], list[str]]:
    """All lines of a pair of files, empty ones too.

    Raises: DataError for files that are missing, empty, not UTF-8 or unequal in lines,
        and where no pair has text on both sides.
    """
    both = list(side_by_side(pair, read_lines(pair.source), read_lines(pair.target)))
    if not any(source.strip() and target.strip() for source, target in both):
        raise DataError(
            f"{pair.source} and {pair.target}: no pair has text on both sides: there "
            "is nothing to score (the wrong files?)"
        )
    return [source for source, _ in both], [target for _, target in both]


def read_pairs(pair: TextPair) -> Iterator[tuple[str | None, str | None]]:
    """The lines of both files side by side; None for a line that is not UTF-8.

    Raises: DataError for files that are missing, empty or unequal in lines.
    """
    return side_by_side(
        pair, read_lines_or_none(pair.source), read_lines_or_none(pair.target)
    )


def side_by_side(
    pair: TextPair, sources: Iterator[Line], targets: Iterator[Line]
) -> Iterator[tuple[Line, Line]]:
    """The lines of the two files of a pair, which have to be equally many.

    Raises: DataError if they are not, or if there are none.
    """
    require_files(pair)
    ended = object()
    empty = True
    for source, target in zip_longest(sources, targets, fillvalue=ended):
        if source is ended or target is ended:
            raise DataError(
                f"{pair.source} has {count_lines(pair.source)} lines and "
                f"{pair.target} has {count_lines(pair.target)}: they have to be "
                "translations of each other, line by line (one of them is cut short, "
                "or was split at other characters than line feeds)"
            )
        empty = False
        yield cast(Line, source), cast(Line, target)
    if empty:
        raise DataError(
            f"{pair.source} and {pair.target} are empty: no sentence pairs (the wrong "
            "files, or a download that failed?)"
        )


def uneven_prefixes(what: str) -> DataError:
    """The error to raise where lines and their prefixes are not equally many."""
    return DataError(
        f"{what}: each has its prefix, an empty line where nothing is forced "
        "(probably two files that do not belong together)"
    )


def count_lines(path: Path) -> int:
    """As many as `read_lines` gives, whatever is in them."""
    return sum(1 for _ in read_raw_lines(path))
