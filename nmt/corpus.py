"""Parallel text files to checked, encoded, memory-mapped token ids.

Knows nothing of batches or models.

A corpus directory holds, for each side, `<side>_ids.npy` (all sentences end to end,
uint16 where the vocabulary allows it, without BOS and EOS) and `<side>_offsets.npy`
(int64, one more than there are sentences), with subword sampling the same of the UTF-8
text (`<side>_text.npy`, uint8, and `<side>_text_offsets.npy`), `files.npy` and
`lines.npy`: where each pair stands in data.train, and `corpus.json`: what it was made
from and what was left out.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from itertools import islice
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nmt.config import TextPair
from nmt.errors import DataError, RunError
from nmt.files import cannot_be_read, open_regular, replacing_directory
from nmt.parallel_text import read_pairs
from nmt.sequences import ArrayWriter, Sequences, SequencesWriter
from nmt.tokenizer import Tokenizer, TokenizerPair

FORMAT = 1
# Pairs encoded at once: enough to keep all threads busy, little enough to stay small.
CHUNK = 20_000

# What opening a directory raises that holds none, or a damaged one.
NO_CORPUS = (OSError, EOFError, ValueError, KeyError, TypeError)

Side = Literal["source", "target"]
SIDES: tuple[Side, Side] = ("source", "target")
Place = tuple[int, Side, int]  # in data.train, and the line from 1


class OtherTextError(DataError):
    """The text is not that of the corpus that is asked for."""


class ParallelCorpus:
    """The encoded pairs of a directory; only what is asked for is read from disk."""

    def __init__(self, directory: Path) -> None:
        record = json.loads((directory / "corpus.json").read_text())
        self.key: dict[str, Any] = record["key"]
        self.digests: dict[str, str] = record["digests"]
        """The SHA-256 of each array, by the name of its file."""
        self.left_out: dict[str, int] = record["left_out"]
        """How many pairs were left out, by reason."""
        self._first_left_out: dict[str, Place] = {
            reason: (int(file), side, int(number))
            for reason, (file, side, number) in record["first_left_out"].items()
        }
        self._ids = {side: Sequences.open(directory, f"{side}_ids") for side in SIDES}
        self._texts = {
            side: Sequences.open(directory, f"{side}_text")
            for side in SIDES
            if self.key["keep_text"]
        }
        self._files = np.load(directory / "files.npy", mmap_mode="r")
        self._lines = np.load(directory / "lines.npy", mmap_mode="r")
        self.source_lengths = self._ids["source"].lengths()
        """Tokens of each source sentence without EOS, int32 [pairs]."""
        self.target_lengths = self._ids["target"].lengths()

    def __len__(self) -> int:
        return len(self.source_lengths)

    @property
    def checksum(self) -> str:
        """SHA-256 (hex) of all that decides which ids this corpus holds."""
        return _checksum(self.key)

    def first_left_out(self, pairs: Sequence[TextPair]) -> dict[str, str]:
        """The `file:line` of the first pair left out, by reason; the files of today."""
        return _told(self._first_left_out, pairs)

    def places(self, indices: NDArray[np.integer]) -> dict[int, list[int]]:
        """Where these pairs stand: line numbers (from 1), by place in data.train."""
        found: dict[int, list[int]] = {}
        for index in np.sort(indices).tolist():
            found.setdefault(int(self._files[index]), []).append(
                int(self._lines[index])
            )
        return found

    def source(self, indices: NDArray[np.integer]) -> list[NDArray[Any]]:
        """The ids of these source sentences, without EOS."""
        return self._ids["source"].take(indices)

    def target(self, indices: NDArray[np.integer]) -> list[NDArray[Any]]:
        """The ids of these target sentences, without BOS and EOS."""
        return self._ids["target"].take(indices)

    def texts(self, side: Side, indices: NDArray[np.integer]) -> list[str]:
        """These sentences as text; only where the corpus was made with keep_text."""
        return [text.tobytes().decode() for text in self._texts[side].take(indices)]


def encode_corpus(
    pairs: Sequence[TextPair],
    tokenizers: TokenizerPair,
    *,
    max_length: int,
    directory: Path,
    keep_text: bool,
    expected: str | None = None,
) -> ParallelCorpus:
    """The corpus of these files, encoded into the directory or found there.

    What the directory holds is used again if it was made from files of the same
    content with the same tokenizers and options; else it is replaced. Pairs with an
    empty side, with invalid UTF-8, or with more than max_length tokens on a side are
    left out and counted.

    Raises: DataError for files that are missing, empty, or unequal in lines, and if
    no pair is left; OtherTextError, before anything is encoded, if the checksum is not
    the one that is expected; RunError if the directory holds something else.
    """
    key = {
        "format": FORMAT,
        "files": [
            {side: file_checksum(getattr(pair, side)) for side in SIDES}
            for pair in pairs
        ],
        "tokenizers": tokenizers.checksum,
        "max_length": max_length,
        "keep_text": keep_text,
    }
    if expected not in (None, _checksum(key)):
        raise OtherTextError("not the expected text")
    try:
        corpus = ParallelCorpus(directory)
        if corpus.key == key and corpus.digests == _digests(directory):
            return corpus
    except (*NO_CORPUS, DataError):
        if directory.exists() and not (directory / "corpus.json").exists():
            raise RunError(
                f"{directory}: is in the way of the encoded corpus and does not hold "
                "one: move it away"
            ) from None
    with replacing_directory(directory) as unfinished:
        _encode_into(unfinished, key, pairs, tokenizers)
    return ParallelCorpus(directory)


def file_checksum(path: Path) -> str:
    """SHA-256 (hex) of a file's bytes.

    Raises: DataError if it cannot be read.
    """
    try:
        with open_regular(path) as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise cannot_be_read(path, error) from None


def _checksum(key: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(key).encode()).hexdigest()


def _digests(directory: Path) -> dict[str, str]:
    return {path.name: file_checksum(path) for path in sorted(directory.glob("*.npy"))}


def _told(places: dict[str, Place], pairs: Sequence[TextPair]) -> dict[str, str]:
    return {
        reason: f"{getattr(pairs[file], side)}:{number}"
        for reason, (file, side, number) in places.items()
    }


class _LeftOut:
    """Counts the pairs that are left out, and remembers the first, by reason."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.first: dict[str, Place] = {}

    def add(self, reason: str, file: int, side: Side, number: int) -> None:
        self.counts[reason] += 1
        self.first.setdefault(reason, (file, side, number))


class _Line(NamedTuple):
    """A pair of lines that can be encoded, and where its source stands."""

    file: int  # place in data.train
    number: int
    source: str
    target: str


def _encode_into(
    directory: Path,
    key: dict[str, Any],
    pairs: Sequence[TextPair],
    tokenizers: TokenizerPair,
) -> None:
    """Writes a whole corpus into an empty directory, a chunk in memory at a time."""
    max_length, keep_text = key["max_length"], key["keep_text"]
    left_out = _LeftOut()
    num_pairs = 0
    with ExitStack() as files:

        def writer(name: str, dtype: type[np.unsignedinteger]) -> SequencesWriter:
            return files.enter_context(closing(SequencesWriter(directory, name, dtype)))

        id_writers = {
            side: writer(f"{side}_ids", _id_type(getattr(tokenizers, side)))
            for side in SIDES
        }
        text_writers = {
            side: writer(f"{side}_text", np.uint8) for side in SIDES if keep_text
        }
        file_writer, line_writer = (
            files.enter_context(closing(ArrayWriter(directory / name, np.dtype(kind))))
            for name, kind in (("files.npy", np.uint16), ("lines.npy", np.int64))
        )
        lines = _usable_lines(pairs, left_out)
        while chunk := list(islice(lines, CHUNK)):
            ids = {
                side: getattr(tokenizers, side).encode(
                    [getattr(line, side) for line in chunk]
                )
                for side in SIDES
            }
            kept = []
            for index, line in enumerate(chunk):
                if max(len(ids[side][index]) for side in SIDES) <= max_length:
                    kept.append(index)
                else:
                    left_out.add("too long", line.file, "source", line.number)
            for side in SIDES:
                id_writers[side].append([ids[side][index] for index in kept])
            for side, texts in text_writers.items():
                texts.append([getattr(chunk[index], side).encode() for index in kept])
            file_writer.append(np.array([chunk[index].file for index in kept]))
            line_writer.append(np.array([chunk[index].number for index in kept]))
            num_pairs += len(kept)
    if not num_pairs:
        reasons = ", ".join(
            f"{left_out.counts[reason]} {reason} (first: {place})"
            for reason, place in _told(left_out.first, pairs).items()
        )
        raise DataError(
            f"{', '.join(str(pair.source) for pair in pairs)}: no pair can be trained "
            f"on: {reasons}; data.max_length is {max_length} tokens (the wrong files?)"
        )
    record = {
        "key": key,
        "left_out": left_out.counts,
        "first_left_out": left_out.first,
        "digests": _digests(directory),
    }
    (directory / "corpus.json").write_text(json.dumps(record, indent=2))


def _usable_lines(pairs: Iterable[TextPair], left_out: _LeftOut) -> Iterator[_Line]:
    for file, pair in enumerate(pairs):
        for number, (source, target) in enumerate(read_pairs(pair), start=1):
            if source is None:
                left_out.add("not UTF-8", file, "source", number)
            elif target is None:
                left_out.add("not UTF-8", file, "target", number)
            elif not source.strip():
                left_out.add("empty", file, "source", number)
            elif not target.strip():
                left_out.add("empty", file, "target", number)
            else:
                yield _Line(file, number, source, target)


def _id_type(tokenizer: Tokenizer) -> type[np.unsignedinteger]:
    return np.uint16 if tokenizer.vocab_size <= 2**16 else np.uint32
