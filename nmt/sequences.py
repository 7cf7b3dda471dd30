"""Many sequences of numbers in two .npy files, written as they come and read mapped.

Knows nothing of what the numbers are.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Sequences:
    """Many sequences in one memory-mapped array."""

    values: NDArray[Any]
    offsets: NDArray[np.int64]

    @classmethod
    def open(cls, directory: Path, name: str) -> Self:
        """Those that were written into the directory under this name."""
        # Still mapped, but plain arrays: slices of np.memmap are slow to make.
        return cls(
            *(
                np.load(directory / f"{stem}.npy", mmap_mode="r").view(np.ndarray)
                for stem in (name, f"{name}_offsets")
            )
        )

    def lengths(self) -> NDArray[np.int32]:
        return np.diff(self.offsets).astype(np.int32)

    def take(self, indices: NDArray[np.integer]) -> list[NDArray[Any]]:
        """The sequences with these numbers, in this order; views, not copies."""
        starts, ends = self.offsets[indices], self.offsets[indices + 1]
        return [
            self.values[start:end]
            for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
        ]


class SequencesWriter:
    """Writes the two files of `Sequences` as the sequences come."""

    def __init__(
        self, directory: Path, name: str, dtype: type[np.unsignedinteger]
    ) -> None:
        self._values = ArrayWriter(directory / f"{name}.npy", np.dtype(dtype))
        self._offsets = ArrayWriter(
            directory / f"{name}_offsets.npy", np.dtype(np.int64)
        )
        self._offsets.append(np.zeros(1))

    def append(self, sequences: Sequence[Sequence[int]]) -> None:
        """Writes these behind those that are there."""
        lengths = np.fromiter(map(len, sequences), np.int64, len(sequences))
        self._offsets.append(self._values.length + np.cumsum(lengths))
        self._values.append(
            np.fromiter(chain.from_iterable(sequences), np.uint32, lengths.sum())
        )

    def close(self) -> None:
        """Both files are whole."""
        self._values.close()
        self._offsets.close()


class ArrayWriter:
    """Writes a .npy file of one dimension whose length is known only at the end."""

    def __init__(self, path: Path, dtype: np.dtype[Any]) -> None:
        self.length = 0
        self._path = path
        self._dtype = dtype
        self._file = open(path, "wb")
        self._write_header()

    def append(self, values: NDArray[Any]) -> None:
        """Writes these behind those that are there, in the type of the file."""
        with self._named():
            self._file.write(values.astype(self._dtype).tobytes())
        self.length += len(values)

    def close(self) -> None:
        """Puts the length into the header, with which the file is whole."""
        with self._named(), self._file:
            self._file.seek(0)
            self._write_header()

    @contextmanager
    def _named(self) -> Iterator[None]:
        """The file's name to what the system says of it: a full disk, for instance."""
        try:
            yield
        except OSError as error:
            error.filename = str(self._path)
            raise

    def _write_header(self) -> None:
        # NumPy leaves room for the first dimension to grow, so the header takes the
        # same place whatever the length.
        header = {
            "descr": np.lib.format.dtype_to_descr(self._dtype),
            "fortran_order": False,
            "shape": (self.length,),
        }
        np.lib.format.write_array_header_1_0(self._file, header)
