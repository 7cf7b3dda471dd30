"""A trained run, opened for use: lists of lines, streams of lines, output formats.

Knows nothing of training, nor of tensors.

    translator = Translator.open(Path("runs/multi30k_en_de"))
    [translation] = translator.translate(["A dog runs."])
    translation.hypotheses[0].text
"""

import io
import json
import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Self, cast

from nmt import translation
from nmt.alignment import pharaoh_line
from nmt.ensemble import Ensemble, Model
from nmt.errors import RunError
from nmt.parallel_text import uneven_prefixes
from nmt.run import OpenRun, open_run
from nmt.search_settings import BATCH_SIZE, Beam, Greedy, Search
from nmt.text import read_lines, read_lines_leniently
from nmt.tokenizer import TokenizerPair
from nmt.translation import Translation

# The most that is read before translating what is there: some fifteen batches of
# usual sentences, enough for batches of nearly equal lengths.
BURST_BYTES = 1 << 16


class Translator:
    """A trained model with its tokenizers: translates text in memory.

    `search` is that of the run's `decoding` section, used where none is given.
    """

    def __init__(
        self,
        model: Model,
        tokenizers: TokenizerPair,
        search: Search,
        *,
        beam: Beam | None = None,
        target_language: str | None = None,
    ) -> None:
        self.model = model
        self.tokenizers = tokenizers
        self.search = search
        self.beam = beam or Beam()
        """What a beam search begins from, also where `search` is greedy."""
        self.target_language = target_language

    @classmethod
    def open(cls, first: Path, *others: Path) -> Self:
        """The translator of a run directory, or of one checkpoint in it.

        With others it is that of all their models together, an ensemble, and searches
        as the first run's `decoding` section says.

        Raises: RunError if one is not there, damaged, foreign, or of other tokenizers
            or languages than the first.
        """
        runs = [open_run(path) for path in (first, *others)]
        for run in runs:
            _check_one_task(runs[0], run)
        models = [run.model() for run in runs]
        decoding = runs[0].config.decoding
        beam = Beam(decoding.beam_size, decoding.length_penalty)
        return cls(
            Ensemble(models) if others else models[0],
            runs[0].tokenizers,
            Greedy() if decoding.method == "greedy" else beam,
            beam=beam,
            target_language=runs[0].config.data.target_language,
        )

    def translate(
        self,
        lines: Sequence[str],
        search: Search | None = None,
        *,
        batch_size: int = BATCH_SIZE,
        prefixes: Sequence[str] | None = None,
        minimum_risk: bool = False,
        alignments: bool = False,
    ) -> list[Translation]:
        """One translation a line, in order: see `nmt.translation.translate`."""
        return translation.translate(
            self.model,
            self.tokenizers,
            lines,
            search or self.search,
            batch_size,
            prefixes=prefixes,
            minimum_risk=minimum_risk,
            alignments=alignments,
        )

    def score(self, sources: Sequence[str], targets: Sequence[str]) -> list[float]:
        """Natural log-probabilities of pairs: see `nmt.translation.score`."""
        return translation.score(self.model, self.tokenizers, sources, targets)


def _check_one_task(first: OpenRun, other: OpenRun) -> None:
    """Nothing, if the two can translate together.

    Raises: RunError if they cannot.
    """
    both = f"{first.directory} and {other.directory} cannot translate together: "
    if not first.tokenizers.same_ids(other.tokenizers):
        raise RunError(
            f"{both}their tokenizers are different; train both with the same data "
            "and tokenizer sections"
        )
    languages = [
        f"{data.source_language or '?'} -> {data.target_language or '?'}"
        for data in (first.config.data, other.config.data)
    ]
    if languages[0] != languages[1]:
        raise RunError(f"{both}one is {languages[0]}, the other {languages[1]}")


def translate_stream(
    translate: Callable[..., list[Translation]],
    stream: BinaryIO,
    prefix_file: Path | None = None,
) -> Iterator[Translation]:
    """One translation a line of UTF-8 text, in order, in constant memory.

    `translate(lines, prefixes=...)` is Translator.translate, or that with more options.

    What has arrived, up to BURST_BYTES, is translated before more is read. So a file
    goes in large, evenly filled batches, and a pipe that pauses, or a person at a
    terminal, gets an answer to every whole line at once. Invalid bytes become U+FFFD.

    Raises: DataError if `prefix_file` has not a line for each line.
    """
    prefixes = read_lines(prefix_file) if prefix_file else None
    count = 0
    for lines in _read_bursts(stream):
        count += len(lines)
        begun = None if prefixes is None else list(islice(prefixes, len(lines)))
        if begun is not None and len(begun) < len(lines):
            raise uneven_prefixes(
                f"{prefix_file}: fewer lines than there are to translate"
            )
        yield from translate(lines, prefixes=begun)
    if prefixes is not None and next(prefixes, None) is not None:
        raise uneven_prefixes(
            f"{prefix_file}:{count + 1}: more lines than the {count} of text"
        )


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
        most = math.inf if size is None or size < 0 else size
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
            if not self.arrived and sum(map(len, self._unfinished)) >= most:
                everything = b"".join(self._unfinished)
                self._unfinished = [everything[size:]]
                return everything[:size]
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
    """One JSON object: `source`, and `hypotheses`, best first."""
    hypotheses = [
        {
            "text": hypothesis.text,
            "score": hypothesis.score,
            "log_prob": hypothesis.log_prob,
            "tokens": hypothesis.tokens,
            "alignment": hypothesis.alignment,
        }
        for hypothesis in translation.hypotheses
    ]
    record = {"source": translation.source, "hypotheses": hypotheses}
    return json.dumps(record, ensure_ascii=False)


def as_alignment(translation: Translation) -> str:
    """The links of the best translation, as a line of Pharaoh's format."""
    return pharaoh_line(translation.hypotheses[0].alignment)
