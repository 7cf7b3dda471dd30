"""Alignment error rate of a file of Pharaoh lines against another.

    python scripts/alignment_error_rate.py ALIGNMENTS GOLD [--where TEXT TEXT]

Knows nothing of models; the formula is `nmt.alignment`'s.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from nmt.alignment import Link, alignment_error_rate, links_of_line
from nmt.errors import DataError, NmtError
from nmt.text import read_lines


def error_rate(found: Path, gold: Path, texts: list[Path] | None) -> str:
    """What to print: precision, recall and error rate, and of how many lines.

    Raises: DataError for files that do not fit together or are not alignments.
    """
    columns = [list(read_links(path)) for path in (found, gold)]
    columns += [list(read_lines(path)) for path in texts or []]
    paths = [found, gold, *(texts or [])]
    for path, column in zip(paths, columns, strict=True):
        if len(column) != len(columns[0]):
            raise DataError(
                f"{path}: {len(column)} lines, but {found} has {len(columns[0])}: "
                "line n of each belongs to sentence n"
            )
    rows = [row for row in zip(*columns, strict=True) if len(set(row[2:])) < 2]
    if not rows:
        raise DataError(f"{found}: no lines to compare")
    links, sure = [set(row[0]) for row in rows], [set(row[1]) for row in rows]
    agreed = sum(len(a & s) for a, s in zip(links, sure, strict=True))
    precision = agreed / max(1, sum(map(len, links)))
    recall = agreed / max(1, sum(map(len, sure)))
    return (
        f"AER {alignment_error_rate(links, sure):.3f}, precision {precision:.3f}, "
        f"recall {recall:.3f}; {len(rows)} of {len(columns[0])} lines"
    )


def read_links(path: Path) -> Iterator[list[Link]]:
    for number, line in enumerate(read_lines(path), start=1):
        try:
            yield links_of_line(line)
        except ValueError as error:
            raise DataError(f"{path}:{number}: {error}") from None


def main() -> None:
    parser = argparse.ArgumentParser(description="Score word alignments.")
    parser.add_argument("alignments", type=Path)
    parser.add_argument("gold", type=Path)
    parser.add_argument("--where", type=Path, nargs=2, metavar="TEXT")
    arguments = parser.parse_args()
    try:
        print(error_rate(arguments.alignments, arguments.gold, arguments.where))
    except NmtError as error:
        sys.exit(f"alignment_error_rate: {error}")


if __name__ == "__main__":
    main()
