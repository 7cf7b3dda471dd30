"""A trained run, opened for use: lists of lines, streams of lines, output formats.

Knows nothing of training, nor of tensors.

    translator = Translator.open(Path("runs/multi30k_en_de"))
    [translation] = translator.translate(["A dog runs."])
    translation.hypotheses[0].text
"""

import io
import json
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO, Self, cast

from nmt.decoding import SearchOptions
from nmt.model import TranslationModel
from nmt.run import open_run
from nmt.text import read_lines_leniently
from nmt.tokenizer import TokenizerPair
from nmt.translation import BATCH_SIZE, Translation, translate

# The most that is read before translating what is there: some fifteen batches of
# usual sentences, enough for batches of nearly equal lengths.
BURST_BYTES = 1 << 16


class Translator:
    """A trained model with its tokenizers: translates text in memory.

    `options` are those of the run's `decoding` section, used where none are given.
    """

    def __init__(
        self,
        model: TranslationModel,
        tokenizers: TokenizerPair,
        options: SearchOptions,
        *,
        target_language: str | None = None,
    ) -> None:
        self.model = model
        self.tokenizers = tokenizers
        self.options = options
        self.target_language = target_language

    @classmethod
    def open(cls, path: Path) -> Self:
        """The translator of a run directory, or of one checkpoint in it.

        Raises: RunError if it is not there, damaged or foreign.
        """
        run = open_run(path)
        decoding = run.config.decoding
        options = SearchOptions(
            method=decoding.method,
            beam_size=decoding.beam_size,
            length_penalty=decoding.length_penalty,
        )
        return cls(
            run.model(),
            run.tokenizers,
            options,
            target_language=run.config.data.target_language,
        )

    def translate(
        self,
        lines: Sequence[str],
        options: SearchOptions | None = None,
        *,
        batch_size: int = BATCH_SIZE,
    ) -> list[Translation]:
        """One translation a line, in order; a blank line's is the empty text."""
        return translate(
            self.model, self.tokenizers, lines, options or self.options, batch_size
        )


def translate_stream(
    translator: Translator,
    stream: BinaryIO,
    options: SearchOptions | None = None,
    *,
    batch_size: int = BATCH_SIZE,
) -> Iterator[Translation]:
    """One translation a line of UTF-8 text, in order, in constant memory.

    What has arrived, up to BURST_BYTES, is translated before more is read. So a file
    goes in large, evenly filled batches, and a pipe that pauses, or a person at a
    terminal, gets an answer to every whole line at once. Invalid bytes become U+FFFD.
    """
    for lines in _read_bursts(stream):
        yield from translator.translate(lines, options, batch_size=batch_size)


def _read_bursts(stream: BinaryIO) -> Iterator[list[str]]:
    """The lines of a stream, those that arrived together in one list."""
    arriving = _ArrivingLines(stream)
    lines = []
    for line in read_lines_leniently(cast(BinaryIO, arriving)):
        lines.append(line)
        if not arriving.arrived:
            yield lines
            lines = []


class _ArrivingLines(io.BufferedIOBase):
    """The raw lines of a stream; `arrived` are those that are there without waiting.

    No thread reads ahead: one that waits for standard input when the program ends
    makes the interpreter abort.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self.arrived: deque[bytes] = deque()
        self._unfinished: list[bytes] = []
        self._stream = cast(io.BufferedIOBase, stream)
        self.name = getattr(stream, "name", "input")  # for messages about damage

    def readline(self, size: int | None = -1, /) -> bytes:
        while not self.arrived:
            burst = self._stream.read1(BURST_BYTES)
            whole, line_end, rest = burst.rpartition(b"\n")
            if line_end or not burst:
                whole = b"".join([*self._unfinished, whole, line_end])
                self.arrived.extend(io.BytesIO(whole))
                self._unfinished = []
            if not burst and not self.arrived:
                return b""
            self._unfinished.append(rest)
        return self.arrived.popleft()


def as_text(index: int, translation: Translation) -> str:
    """The best translation."""
    return translation.hypotheses[0].text


def as_nbest_text(index: int, translation: Translation) -> str:
    """One line a hypothesis, `index ||| text ||| score`, as Moses writes it."""
    return "\n".join(
        f"{index} ||| {hypothesis.text} ||| {hypothesis.score:.6f}"
        for hypothesis in translation.hypotheses
    )


def as_json(index: int, translation: Translation) -> str:
    """One JSON object: `source`, and `hypotheses` with all their fields."""
    return json.dumps(asdict(translation), ensure_ascii=False)
