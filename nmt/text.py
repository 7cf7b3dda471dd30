"""Lines of text in and out of files; the one place that knows what ends a line.

Knows nothing of tokens, languages or the meaning of a line.

Only "\\n" ends a line, and one "\\r" before it is dropped; U+2028, U+0085, tabs and NUL
are text. A last line without "\\n" counts. Files are UTF-8, a byte order mark at the
start of one is dropped, and a name that ends in `.gz` means compressed.
"""

import codecs
import gzip
import io
import sys
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO, TextIO, cast

from nmt.errors import DataError
from nmt.files import cannot_be_read, replacing

# Bytes that one line may take of memory: a small .gz can hold a very long one.
LONGEST_LINE = 1 << 24
# What a line that is read leniently has in the place of bytes that are not UTF-8.
INVALID = "\N{REPLACEMENT CHARACTER}"

_UTF16 = (
    "UTF-16, not UTF-8 (saved on Windows as Unicode?); convert it with iconv -f UTF-16 "
    "-t UTF-8"
)
# What files are that begin so; no UTF-8 does.
_OTHER_FILES = {
    b"\x1f\x8b": "compressed; unpack it (gzip -dc), or name a file that ends in .gz",
    codecs.BOM_UTF16_LE: _UTF16,
    codecs.BOM_UTF16_BE: _UTF16,
}


@contextmanager
def open_input(path: Path | None) -> Iterator[BinaryIO]:
    """The uncompressed bytes of a file, or of standard input where path is None.

    Raises: DataError if the file cannot be opened.
    """
    if path is None:
        yield sys.stdin.buffer
        return
    try:
        stream = gzip.open(path) if _is_compressed(path) else open(path, "rb")
    except OSError as error:
        raise cannot_be_read(path, error) from None
    with stream:
        yield cast(BinaryIO, stream)


def read_raw_lines(path: Path) -> Iterator[bytes]:
    """Lines as they stand in the file: line ends and byte order mark included.

    Raises: DataError for a missing, unreadable or damaged file.
    """
    with open_input(path) as stream:
        yield from _raw_lines(stream)


def without_line_ends(raw_lines: Iterable[bytes]) -> Iterator[bytes]:
    """The text of raw lines, still in UTF-8: no line ends, no byte order mark."""
    for number, line in enumerate(raw_lines):
        if number == 0:
            line = line.removeprefix(codecs.BOM_UTF8)
        if line.endswith(b"\n"):
            line = line[: -2 if line.endswith(b"\r\n") else -1]
        yield line


def read_lines(path: Path) -> Iterator[str]:
    """The lines of a text file.

    Raises: DataError for a missing, unreadable or damaged file and for invalid UTF-8.
    """
    for number, line in enumerate(without_line_ends(read_raw_lines(path)), start=1):
        try:
            yield line.decode()
        except UnicodeDecodeError as error:
            raise DataError(
                f"{path}:{number}: not UTF-8: byte 0x{line[error.start]:02x} at "
                f"position {error.start} of the line ({error.reason}); the file is "
                "probably in another encoding: convert it with iconv -t UTF-8"
            ) from None


def read_lines_or_none(path: Path) -> Iterator[str | None]:
    """The lines of a text file; None for each that is not UTF-8.

    Raises: DataError for a missing, unreadable or damaged file.
    """
    for line in without_line_ends(read_raw_lines(path)):
        try:
            yield line.decode()
        except UnicodeDecodeError:
            yield None


def read_lines_leniently(stream: BinaryIO) -> Iterator[str]:
    """The lines of a stream, as soon as each is there; invalid bytes become U+FFFD.

    Raises: DataError where the stream turns out to be damaged, or no text.
    """
    for line in without_line_ends(_raw_lines(stream)):
        yield line.decode(errors="replace")


@contextmanager
def write_whole(path: Path) -> Iterator[TextIO]:
    """A text file that appears under its name when the block ends without an error.

    Raises: DataError if the file cannot be written.
    """
    with replacing(path) as unfinished, _text_into(unfinished, path) as text:
        yield text


@contextmanager
def _text_into(path: Path, name: Path) -> Iterator[TextIO]:
    """Text written to `path`, compressed as `name` asks."""
    with open(path, "wb") as stream:
        if _is_compressed(name):
            # No name and no time in the header: equal text gives equal files.
            with (
                gzip.GzipFile("", "wb", fileobj=stream, mtime=0) as packed,
                io.TextIOWrapper(packed, "utf-8", newline="\n") as text,
            ):
                yield text
        else:
            with io.TextIOWrapper(stream, "utf-8", newline="\n") as text:
                yield text


def _raw_lines(stream: BinaryIO) -> Iterator[bytes]:
    name = getattr(stream, "name", "input")
    try:
        # readline, since a loop over the stream would take any line into memory.
        lines = iter(partial(stream.readline, LONGEST_LINE + 1), b"")
        for number, line in enumerate(lines, start=1):
            if len(line) > LONGEST_LINE:
                raise DataError(
                    f"{name}:{number}: a line of more than {LONGEST_LINE >> 20} MB "
                    "cannot be a sentence (not a text file, or one without line ends)"
                )
            if number == 1 and (other := _OTHER_FILES.get(line[:2])):
                raise DataError(f"{name}: {other}")
            yield line
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise DataError(
            f"{name}: not a whole gzip file, as a name in .gz promises: {error} "
            "(an interrupted download, or a plain file misnamed)"
        ) from None
    except OSError as error:
        raise cannot_be_read(name, error) from None


def _is_compressed(path: Path) -> bool:
    return path.suffix == ".gz"
