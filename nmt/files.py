"""Files as the disk has them: can one be read again, how does one replace another.

Knows nothing of what is in them. What is being written has a name in `.unfinished`, and
gets its own when it is whole.
"""

import errno
import io
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nmt.errors import DataError

UNFINISHED = ".unfinished"
# What a directory is called while another takes its place.
BEFORE = f".before{UNFINISHED}"


def without_waiting(path: str, flags: int) -> int:
    """An `opener` for `open`: a pipe that nobody writes to is at its end."""
    return os.open(path, flags | os.O_NONBLOCK)


@contextmanager
def open_regular(path: Path) -> Iterator[io.BufferedReader]:
    """The bytes of a file that can be read again: no pipe, and no device.

    Raises: OSError if it is one, or cannot be opened.
    """
    with open(path, "rb", opener=without_waiting) as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            what = "a pipe or a device, not a file; write it to a file first"
            raise OSError(errno.EINVAL, what, str(path))
        yield stream


def require_regular(path: Path) -> None:
    """Nothing, if a file can be read, and more than once.

    Raises: DataError for a pipe or a device, and for what cannot be opened.
    """
    try:
        with open_regular(path):
            pass
    except OSError as error:
        raise cannot_be_read(path, error) from None


def cannot_be_read(path: Path | str, error: OSError) -> DataError:
    """The error to raise where the system refuses to read a file."""
    if isinstance(error, FileNotFoundError):
        return DataError(
            f"{path}: no such file (relative paths start at the current directory)"
        )
    return DataError(
        f"{path}: cannot be read: {error.strerror or error} (a missing permission, or "
        "the path of something else than a text file?)"
    )


def behind_links(path: Path) -> Path:
    """The absolute path that links lead to; a link to itself is where it is."""
    return Path(os.path.realpath(path))  # Path.resolve fails there


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """The path to write, which gets its name when the block ends without an error.

    Otherwise what was there before stays. Devices and pipes, which cannot be
    replaced, are written as they come.

    Raises: DataError if the file cannot be written.
    """
    # A link keeps pointing where it points: its target is what is replaced.
    final = behind_links(path)
    unfinished = final.with_name(f".{final.name}.{os.getpid()}{UNFINISHED}")
    try:
        if path.exists() and not path.is_file():
            if path.is_dir():
                raise DataError(f"{path}: is a directory, not a file to write")
            yield path
            return
        try:
            yield unfinished
            if final.exists():
                shutil.copymode(final, unfinished)
            os.replace(unfinished, final)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        # The block may use other files as well; their errors are theirs.
        if error.filename not in (None, str(path), str(unfinished)) or isinstance(
            error, BrokenPipeError
        ):
            raise
        raise DataError(f"{path}: cannot be written: {error.strerror}") from error


@contextmanager
def replacing_directory(final: Path) -> Iterator[Path]:
    """An empty directory, which gets its name when the block ends without an error.

    Otherwise what was there before stays, and of the new one nothing.
    """
    unfinished = final.with_name(final.name + UNFINISHED)
    shutil.rmtree(unfinished, ignore_errors=True)  # of a start that was killed
    unfinished.mkdir()  # no parents: a run directory that is gone stays gone
    try:
        yield unfinished
        replace_directory(unfinished, final)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def replace_directory(finished: Path, final: Path) -> None:
    """Gives a finished directory its name; what had it before is removed.

    A crash leaves a whole one there, or none and the one before with BEFORE behind its
    name.
    """
    before = final.with_name(final.name + BEFORE)
    if final.exists():
        shutil.rmtree(before, ignore_errors=True)
        os.replace(final, before)
    os.replace(finished, final)
    sync(final.parent)
    shutil.rmtree(before, ignore_errors=True)


def sync(path: Path) -> None:
    """Waits until a file's or a directory's content is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
