"""What training would meet in the text files: the data report of `nmt check`.

Knows nothing of tokens or models. Reads each file once and keeps a few numbers a line,
so that memory stays modest for millions of lines.
"""

import codecs
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from nmt.config import DataConfig, TextPair
from nmt.errors import DataError
from nmt.parallel_text import side_by_side
from nmt.text import read_raw_lines, without_line_ends

# Lines whose words tell a file's language from that of another.
SAMPLED_LINES = 2_000
# How many line numbers, or outliers, a finding shows.
SHOWN = 3


@dataclass
class Finding:
    """How often something occurs, and the numbers of the first lines where it does."""

    count: int = 0
    first: list[int] = field(default_factory=list)

    def add(self, line: int) -> None:
        """Counts one more, in that line of the file, from 1."""
        self.count += 1
        if len(self.first) < SHOWN:
            self.first.append(line)

    def __str__(self) -> str:
        places = ", ".join(map(str, self.first))
        return f"{self.count:,} (line {places}{', ...' * (self.count > SHOWN)})"


@dataclass
class SideReport:
    """One file of a pair. Words are what stands between white space."""

    path: Path
    lines: int = 0
    words: int = 0
    longest_in_words: int = 0
    characters: int = 0
    longest_in_characters: int = 0
    empty: Finding = field(default_factory=Finding)
    not_utf8: Finding = field(default_factory=Finding)
    line_feeds: int = 0
    carriage_returns: Finding = field(default_factory=Finding)
    byte_order_mark: bool = False
    sample: set[str] = field(default_factory=set)
    """The words of the first SAMPLED_LINES lines."""

    def findings(self) -> list[str]:
        """What is odd about the file, in words."""
        text = []
        if self.not_utf8.count:
            text.append(f"not UTF-8: {self.not_utf8}")
        if self.empty.count:
            text.append(f"empty lines: {self.empty}")
        if self.byte_order_mark:
            text.append("starts with a byte order mark, which is dropped")
        if 0 < self.carriage_returns.count < self.line_feeds:
            text.append(
                "line ends are mixed: a carriage return is dropped from "
                f"{self.carriage_returns}"
            )
        return text


@dataclass(frozen=True)
class Outlier:
    """A pair whose lengths, in characters, are unlike those of the other pairs."""

    line: int
    source_characters: int
    target_characters: int


@dataclass
class PairReport:
    """One pair of files."""

    name: str
    source: SideReport
    target: SideReport
    copies: Finding = field(default_factory=Finding)
    """Lines whose target is the source itself."""
    unlike: int = 0
    """Pairs of more than twice the usual ratio of lengths, or less than half."""
    outliers: tuple[Outlier, ...] = ()
    """The worst of them first."""

    def findings(self) -> list[str]:
        """What is odd about the two files beside each other, in words."""
        text = []
        if self.copies.count:
            text.append(f"target equals source: {self.copies}")
        if self.unlike:
            text.append(
                f"unlike lengths: {self.unlike:,} pairs, of more than twice the usual "
                "ratio or less than half"
            )
        return text + [
            f"among the most unlike: {self.source.path}:{outlier.line}: "
            f"{outlier.source_characters:,} characters against "
            f"{outlier.target_characters:,} in {self.target.path}"
            for outlier in self.outliers
        ]


@dataclass(frozen=True)
class DataReport:
    """All that was found; what makes training impossible is in `errors`."""

    errors: tuple[str, ...]
    pairs: tuple[PairReport, ...]
    """The training pairs, then the validation pair; without unreadable ones."""
    duplicates: int
    """Training pairs that occurred before, in any of the files."""
    overlap_pairs: int
    """Validation pairs that are also training pairs."""
    overlap_sources: int
    """Validation pairs whose source is also a training source."""
    hints: tuple[str, ...] = ()
    """What may be a mistake, and stops nothing."""

    def lines(self) -> list[str]:
        """The report for a terminal, errors first."""
        text = [f"error: {error}" for error in self.errors]
        for pair in self.pairs:
            text += _pair_lines(pair)
        text += [f"hint: {hint}" for hint in self.hints]
        return text + self.findings()

    def findings(self) -> list[str]:
        """What is odd about all the files together, in words."""
        text = []
        if self.duplicates:
            text.append(f"training pairs that repeat another: {self.duplicates:,}")
        if self.overlap_sources:
            text.append(
                f"validation pairs that are in the training data: "
                f"{self.overlap_pairs:,}; whose source is: {self.overlap_sources:,} "
                "(validation scores will flatter)"
            )
        return text

    def __str__(self) -> str:
        return "\n".join(self.lines())


def inspect_corpus(data: DataConfig) -> DataReport:
    """Reads all files of the configuration. Never raises for what they hold."""
    errors: list[str] = []
    reports: list[PairReport] = []
    train, validation = _Hashes(), _Hashes()
    named = [(f"train {number}", p) for number, p in enumerate(data.train, start=1)]
    if len(named) == 1:
        named = [("train", data.train[0])]
    for name, pair in named:
        try:
            reports.append(_inspect(name, pair, train))
        except DataError as error:
            errors.append(str(error))
    if reports and not train.pairs:
        errors.append("data.train: no pair has text on both sides (the wrong files?)")
    try:
        report = _inspect("validation", data.validation, validation)
        reports.append(report)
        errors += [
            f"{side.path}:{side.not_utf8.first[0]}: not UTF-8; no line of a validation "
            "file can be left out (convert it with iconv -t UTF-8)"
            for side in (report.source, report.target)
            if side.not_utf8.count
        ]
        if not validation.pairs:
            errors.append(
                f"{report.source.path} and {report.target.path}: no pair has text on "
                "both sides; validation needs some"
            )
    except DataError as error:
        errors.append(str(error))
    train_pairs = np.unique(train.pairs)
    return DataReport(
        errors=tuple(errors),
        pairs=tuple(reports),
        duplicates=len(train.pairs) - len(train_pairs),
        overlap_pairs=int(np.isin(validation.pairs, train_pairs).sum()),
        overlap_sources=int(np.isin(validation.sources, train.sources).sum()),
        hints=(*_hints_of_names(data), *_hints_of_words(reports)),
    )


def _hints_of_names(data: DataConfig) -> Iterator[str]:
    """Pairs whose names end in each other's language, as train.de for English does."""
    languages = (data.source_language, data.target_language)
    for pair in (*data.train, data.validation):
        names = [
            path.with_suffix("") if path.suffix == ".gz" else path
            for path in (pair.source, pair.target)
        ]
        ends = tuple(name.suffix.removeprefix(".") for name in names)
        if ends == languages[::-1] and ends != languages:
            yield (
                f"source and target may be swapped: {pair.source} is to be "
                f"{languages[0]} and {pair.target} {languages[1]}, by "
                "data.source_language and data.target_language"
            )


def _hints_of_words(reports: Sequence[PairReport]) -> Iterator[str]:
    """Pairs whose sides have more words in common with the other side of the first."""
    for report in reports[1:]:
        (source, target), (first_source, first_target) = (
            (pair.source.sample, pair.target.sample) for pair in (report, reports[0])
        )
        straight = len(source & first_source) + len(target & first_target)
        crossed = len(source & first_target) + len(target & first_source)
        if crossed > straight:
            yield (
                f"source and target may be swapped: the words of {report.source.path} "
                f"are rather those of {reports[0].target.path}"
            )


@dataclass(frozen=True)
class _Hashes:
    """64-bit hashes of the pairs that have text on both sides."""

    pairs: "array[int]" = field(default_factory=lambda: array("q"))
    sources: "array[int]" = field(default_factory=lambda: array("q"))


def _inspect(name: str, pair: TextPair, hashes: _Hashes) -> PairReport:
    report = PairReport(name, SideReport(pair.source), SideReport(pair.target))
    numbers, lengths = array("q"), array("i")
    sides = side_by_side(pair, _watch(report.source), _watch(report.target))
    for number, (source, target) in enumerate(sides, start=1):
        if source and target:
            hashes.pairs.append(hash((source, target)))
            hashes.sources.append(hash(source))
            numbers.append(number)
            lengths.extend((len(source), len(target)))
            if source == target:
                report.copies.add(number)
    if numbers:
        table = np.asarray(lengths).reshape(-1, 2)
        ratios = np.log(table[:, 0] / table[:, 1])
        # Languages differ in length: what is usual here is the middle, not 1.
        distance = np.abs(ratios - np.median(ratios))
        report.unlike = int((distance > np.log(2)).sum())
        worst = np.argsort(-distance, kind="stable")[: min(SHOWN, report.unlike)]
        report.outliers = tuple(
            Outlier(numbers[index], *table[index].tolist()) for index in worst.tolist()
        )
    return report


def _watch(report: SideReport) -> Iterator[str | None]:
    """The lines of a file, counted as they pass; None for one without usable text."""
    for number, line in enumerate(without_line_ends(_watch_ends(report)), start=1):
        report.lines = number
        try:
            text = line.decode()
        except UnicodeDecodeError:
            report.not_utf8.add(number)
            yield None
            continue
        if number <= SAMPLED_LINES:
            report.sample.update(text.split())
        words = len(text.split())
        report.words += words
        report.longest_in_words = max(report.longest_in_words, words)
        report.characters += len(text)
        report.longest_in_characters = max(report.longest_in_characters, len(text))
        if not words:
            report.empty.add(number)
        yield text if words else None


def _watch_ends(report: SideReport) -> Iterator[bytes]:
    for number, line in enumerate(read_raw_lines(report.path), start=1):
        if number == 1 and line.startswith(codecs.BOM_UTF8):
            report.byte_order_mark = True
        report.line_feeds += line.endswith(b"\n")
        if line.endswith(b"\r\n"):
            report.carriage_returns.add(number)
        yield line


def _pair_lines(pair: PairReport) -> list[str]:
    text = [f"{pair.name}: {pair.source.lines:,} pairs"]
    for side in (pair.source, pair.target):
        text.append(
            f"  {side.path}: {side.words / side.lines:.1f} words a line, at most "
            f"{side.longest_in_words:,}; {side.characters / side.lines:.1f} "
            f"characters, at most {side.longest_in_characters:,}"
        )
        text += [f"    {finding}" for finding in side.findings()]
    return text + [f"  {finding}" for finding in pair.findings()]
