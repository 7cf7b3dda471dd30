import gzip
import os
from pathlib import Path

import numpy as np
import pytest
from conftest import needs_full_disk

from nmt.config import DataConfig, TextPair, TokenizerConfig
from nmt.corpus import ParallelCorpus, encode_corpus
from nmt.errors import DataError, RunError
from nmt.inspection import inspect_corpus
from nmt.parallel_text import load_pairs, require_files
from nmt.sequences import ArrayWriter
from nmt.tokenizer import TokenizerPair, train_tokenizers

SOURCES = [f"the {'very ' * (i % 7)}old house number {i}" for i in range(50)]
TARGETS = [f"das {'sehr ' * (i % 5)}alte Haus Nummer {i}" for i in range(50)]


def write_pair(
    directory: Path, sources: list[bytes], targets: list[bytes], name: str = "text"
) -> TextPair:
    source, target = directory / f"{name}.en", directory / f"{name}.de"
    source.write_bytes(b"".join(line + b"\n" for line in sources))
    target.write_bytes(b"".join(line + b"\n" for line in targets))
    return TextPair(source=source, target=target)


def encoded(lines: list[str]) -> list[bytes]:
    return [line.encode() for line in lines]


@pytest.fixture
def pair(tmp_path: Path) -> TextPair:
    return write_pair(tmp_path, encoded(SOURCES), encoded(TARGETS))


@pytest.fixture
def tokenizers(pair: TextPair) -> TokenizerPair:
    return train_tokenizers(TokenizerConfig(vocab_size=330, joint=False), [pair])


def encode(
    pairs: list[TextPair],
    tokenizers: TokenizerPair,
    directory: Path,
    max_length: int = 100,
    keep_text: bool = True,
) -> ParallelCorpus:
    return encode_corpus(
        pairs,
        tokenizers,
        max_length=max_length,
        directory=directory / "corpus",
        keep_text=keep_text,
    )


def as_lists(arrays: list[np.ndarray]) -> list[list[int]]:
    return [array.tolist() for array in arrays]


def test_the_corpus_holds_what_the_tokenizers_say(
    pair: TextPair,
    tokenizers: TokenizerPair,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("nmt.corpus.CHUNK", 7)
    corpus = encode([pair, pair], tokenizers, tmp_path)
    chosen = np.array([99, 3, 50, 3])
    sources = [(SOURCES * 2)[index] for index in chosen]
    targets = [(TARGETS * 2)[index] for index in chosen]
    assert len(corpus) == 100 and not corpus.left_out
    assert as_lists(corpus.source(chosen)) == tokenizers.source.encode(sources)
    assert as_lists(corpus.target(chosen)) == tokenizers.target.encode(targets)
    assert corpus.texts("source", chosen) == sources
    assert corpus.texts("target", chosen) == targets
    for lengths, tokenizer, lines in (
        (corpus.source_lengths, tokenizers.source, SOURCES),
        (corpus.target_lengths, tokenizers.target, TARGETS),
    ):
        assert lengths.dtype == np.int32
        assert lengths.tolist() == [len(ids) for ids in tokenizer.encode(lines * 2)]


def test_unusable_pairs_are_left_out_and_counted_by_reason(
    tokenizers: TokenizerPair, tmp_path: Path
) -> None:
    good = b"the old house"
    pair = write_pair(
        tmp_path,
        [b"", good, good, b"\xff", good, good, b"old " * 90, good],
        [good, b" \t", good, good, b"a\xc3", good, good, b"x" * 200],
    )
    corpus = encode([pair], tokenizers, tmp_path, max_length=80)
    assert corpus.left_out == {"empty": 2, "not UTF-8": 2, "too long": 2}
    assert corpus.first_left_out([pair]) == {
        "empty": f"{pair.source}:1",
        "not UTF-8": f"{pair.source}:4",
        "too long": f"{pair.source}:7",
    }
    # What is told of a corpus that is found is true of the files as they are named now.
    moved = TextPair(source=Path("moved"), target=pair.target)
    assert corpus.first_left_out([moved])["empty"] == "moved:1"
    assert corpus.texts("source", np.arange(len(corpus))) == [good.decode()] * 2
    with pytest.raises(DataError, match=r"2 not UTF-8.*data\.max_length is 1 "):
        encode([pair], tokenizers, tmp_path, max_length=1)


def test_a_corpus_is_made_again_when_content_or_options_change_only(
    pair: TextPair, tokenizers: TokenizerPair, tmp_path: Path
) -> None:
    def made(**options: int) -> int:
        encode([pair], tokenizers, tmp_path, **options)
        return (tmp_path / "corpus" / "corpus.json").stat().st_ino

    # Linked names keep the old files, so that no inode number is given out twice.
    keep = tmp_path / "kept"
    keep.mkdir()

    def kept(inode: int) -> int:
        os.link(tmp_path / "corpus" / "corpus.json", keep / str(inode))
        return inode

    first = kept(made())
    os.utime(pair.source, (0, 0))
    assert made() == first
    content = pair.source.read_bytes()
    before = pair.source.stat()
    pair.source.write_bytes(content.replace(b"house", b"horse"))
    os.utime(pair.source, ns=(before.st_atime_ns, before.st_mtime_ns))
    second = kept(made())
    third = kept(made(max_length=99))
    fourth = made(max_length=99, keep_text=False)
    assert len({first, second, third, fourth}) == 4
    for content in (b"damaged", b""):
        (tmp_path / "corpus" / "source_ids.npy").write_bytes(content)
        assert made(max_length=99, keep_text=False)
    # One bit of one id: nothing but a checksum tells.
    ids = tmp_path / "corpus" / "target_ids.npy"
    whole = ids.read_bytes()
    ids.write_bytes(whole[:-2] + bytes([whole[-2] ^ 1]) + whole[-1:])
    assert made(max_length=99, keep_text=False)
    assert ids.read_bytes() == whole
    assert not [name for name in tmp_path.iterdir() if "unfinished" in name.name]


@needs_full_disk
def test_what_a_full_disk_refuses_has_its_name() -> None:
    writer = ArrayWriter(Path("/dev/full"), np.dtype(np.uint16))
    with pytest.raises(OSError, match="/dev/full"):
        writer.append(np.zeros(1 << 20))
    with pytest.raises(OSError, match="/dev/full"):
        writer.close()


def test_a_directory_of_something_else_is_not_replaced(
    pair: TextPair, tokenizers: TokenizerPair, tmp_path: Path
) -> None:
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "thesis.tex").write_text("years of work")
    with pytest.raises(RunError, match="is in the way"):
        encode([pair], tokenizers, tmp_path)
    assert (tmp_path / "corpus" / "thesis.tex").exists()


def test_pipes_and_devices_are_refused_at_once(
    tokenizers: TokenizerPair, tmp_path: Path
) -> None:
    good = write_pair(tmp_path, [b"a"] * 3, [b"b"] * 3).source
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        for pair in (
            TextPair(source=good, target=path),
            TextPair(source=path, target=good),
        ):
            for read in (
                lambda: encode([pair], tokenizers, tmp_path),  # noqa: B023
                lambda: load_pairs(pair),  # noqa: B023
                lambda: train_tokenizers(TokenizerConfig(), [pair]),  # noqa: B023
            ):
                with pytest.raises(DataError, match=f"{path}: .*a pipe or a device"):
                    read()
            report = inspect_corpus(DataConfig(train=(pair,), validation=pair))
            assert len(report.errors) == 2


def test_files_that_do_not_belong_together_are_refused(
    tokenizers: TokenizerPair, tmp_path: Path
) -> None:
    unequal = write_pair(tmp_path, [b"a"] * 3, [b"b"] * 5, "unequal")
    empty = write_pair(tmp_path, [], [], "empty")
    missing = TextPair(source=unequal.source, target=tmp_path / "missing.de")
    for pair, message in (
        (unequal, r"unequal\.en has 3 lines and .*unequal\.de has 5"),
        (empty, "are empty"),
        (missing, r"missing\.de: no such file"),
    ):
        with pytest.raises(DataError, match=message):
            encode([pair], tokenizers, tmp_path)
        with pytest.raises(DataError, match=message):
            load_pairs(pair)
    assert not (tmp_path / "corpus").exists()


def test_all_files_that_are_missing_are_named_each_once(tmp_path: Path) -> None:
    here = write_pair(tmp_path, [b"a"], [b"b"], "here")
    gone, lost = (tmp_path / name for name in ("gone", "lost"))
    pairs = [
        TextPair(source=here.source, target=gone),
        TextPair(source=lost, target=gone),
    ]
    with pytest.raises(DataError) as caught:
        require_files(here, *pairs)
    for line, path in zip(str(caught.value).split("\n"), (gone, lost), strict=True):
        assert line.startswith(f"{path}: no such file")


def test_loaded_pairs_are_all_lines_compressed_or_not(
    pair: TextPair, tmp_path: Path
) -> None:
    packed = tmp_path / "text.en.gz"
    packed.write_bytes(gzip.compress(pair.source.read_bytes() + b"\n"))
    with open(pair.target, "ab") as stream:
        stream.write(b" \n")
    both = load_pairs(TextPair(source=packed, target=pair.target))
    assert both == ([*SOURCES, ""], [*TARGETS, " "])


def test_the_report_finds_what_was_planted(tmp_path: Path) -> None:
    sources, targets = encoded(SOURCES), encoded(TARGETS)
    sources[0] = b"\xef\xbb\xbf" + sources[0]
    sources[10] = b""
    targets[11] = b"\xff"
    sources[12] = b"x" * 900
    targets[13] = sources[13]
    sources[20:22], targets[20:22] = sources[30:32], targets[30:32]
    targets[40] += b"\r"
    train = write_pair(tmp_path, sources, targets, "train")
    validation = write_pair(tmp_path, sources[30:34], [*targets[30:33], b"neu"], "val")
    report = inspect_corpus(DataConfig(train=(train,), validation=validation))
    found = report.pairs[0]
    assert report.errors == ()
    assert found.source.byte_order_mark and not found.target.byte_order_mark
    assert found.source.empty.first == [11]
    assert found.target.not_utf8.first == [12]
    assert found.outliers[0].line == 13 and found.outliers[0].source_characters == 900
    assert found.copies.first == [14]
    assert found.target.carriage_returns.first == [41]
    assert found.source.lines == 50
    assert found.source.words == sum(len(line.split()) for line in sources)
    assert report.duplicates == 2
    assert (report.overlap_pairs, report.overlap_sources) == (3, 4)
    text = str(report)
    assert f"{train.source}:13: 900 characters" in text


def test_the_report_counts_unlike_lengths_and_shows_the_worst(tmp_path: Path) -> None:
    targets = [b"four words in here"] * 40
    sources = [line * 2 for line in targets]  # the usual ratio
    for place in 3, 7, 11, 15, 19:
        sources[place] *= 3 + place
    sources[23] *= 2  # just twice
    sources[27] = b"x"
    train = write_pair(tmp_path, sources, targets, "train")
    report = inspect_corpus(DataConfig(train=(train,), validation=train))
    assert report.pairs[0].unlike == 6
    assert [outlier.line for outlier in report.pairs[0].outliers] == [28, 20, 16]
    assert "unlike lengths: 6 pairs, of more than twice the usual" in str(report)


def test_windows_line_ends_are_mixed_with_others_only_where_others_are(
    tmp_path: Path,
) -> None:
    for text, mixed in (
        (b"a\r\nb\r\nc", False),  # the last line has no end
        (b"a\r\nb\r\nc\r\n", False),
        (b"a\nb\nc", False),
        (b"a\r\nb\nc", True),
    ):
        file = tmp_path / "text"
        file.write_bytes(text)
        pair = TextPair(source=file, target=file)
        report = str(inspect_corpus(DataConfig(train=(pair,), validation=pair)))
        assert ("line ends are mixed" in report) == mixed, text


def test_sides_that_look_swapped_are_hinted_at(tmp_path: Path) -> None:
    train = write_pair(tmp_path, encoded(SOURCES), encoded(TARGETS), "train")
    straight = write_pair(tmp_path, encoded(SOURCES[:9]), encoded(TARGETS[:9]), "val")
    swapped = TextPair(source=straight.target, target=straight.source)
    languages = {"source_language": "en", "target_language": "de"}
    for validation, hints in (straight, 0), (swapped, 2):  # by its words, and its names
        data = DataConfig(train=(train,), validation=validation, **languages)
        report = inspect_corpus(data)
        assert len(report.hints) == hints
        assert str(report).count("may be swapped: ") == hints
    both = DataConfig(train=(swapped,), validation=swapped, **languages)
    assert len(inspect_corpus(both).hints) == 2  # by their names


def test_validation_without_text_is_an_error(tmp_path: Path) -> None:
    train = write_pair(tmp_path, encoded(SOURCES), encoded(TARGETS), "train")
    blank = write_pair(tmp_path, [b"a", b""], [b" ", b"b"], "blank")
    report = inspect_corpus(DataConfig(train=(train,), validation=blank))
    assert len(report.errors) == 1 and "no pair has text" in report.errors[0]
    with pytest.raises(DataError, match="no pair has text on both sides"):
        load_pairs(blank)


def test_the_report_lists_every_error_first(tmp_path: Path) -> None:
    unequal = write_pair(tmp_path, [b"a"] * 3, [b"b"] * 5, "unequal")
    missing = TextPair(source=tmp_path / "none.en", target=tmp_path / "none.de")
    invalid = write_pair(tmp_path, [b"a", b"\xff"], [b"b", b"b"], "invalid")
    report = inspect_corpus(DataConfig(train=(unequal, missing), validation=invalid))
    expected = ["has 3 lines", "no such file", "invalid.en:2: not UTF-8"]
    lines = report.lines()
    assert len(report.errors) == 3
    for line, part in zip(lines, expected, strict=False):
        assert line.startswith("error: ") and part in line
