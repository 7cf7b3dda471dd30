import codecs
import gzip
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nmt.errors import DataError
from nmt.text import (
    LONGEST_LINE,
    read_lines,
    read_lines_leniently,
    read_lines_or_none,
    without_line_ends,
    write_whole,
)

AWKWARD = ["a\u2028b", "\x85", "\t", "\0", "", "\r inside", "e\u0301", "\U0001f600"]


def test_only_a_line_feed_ends_a_line(tmp_path: Path) -> None:
    path = tmp_path / "lines.txt"
    path.write_bytes(("\n".join(AWKWARD) + "\nlast, unended").encode())
    assert list(read_lines(path)) == [*AWKWARD, "last, unended"]


def test_one_carriage_return_before_a_line_feed_is_dropped() -> None:
    raw = io.BytesIO(b"a\r\nb\r\r\nc\rd\ne\r")
    assert list(read_lines_leniently(raw)) == ["a", "b\r", "c\rd", "e\r"]


def test_a_byte_order_mark_is_dropped_at_the_start_only() -> None:
    raw = io.BytesIO("\ufeffa\n\ufeffb\n".encode())
    assert list(read_lines_leniently(raw)) == ["a", "\ufeffb"]


@given(st.binary())
def test_there_are_as_many_lines_as_line_feeds(raw: bytes) -> None:
    count = raw.count(b"\n") + (raw != b"" and not raw.endswith(b"\n"))
    assert len(list(without_line_ends(io.BytesIO(raw)))) == count


@pytest.mark.parametrize("name", ["lines.txt", "lines.gz"])
def test_what_is_written_is_read_back(tmp_path: Path, name: str) -> None:
    with write_whole(tmp_path / name) as stream:
        stream.writelines(f"{line}\n" for line in AWKWARD)
    assert list(read_lines(tmp_path / name)) == AWKWARD
    raw = (tmp_path / name).read_bytes()
    plain = gzip.decompress(raw) if name.endswith("gz") else raw
    assert plain == "".join(f"{line}\n" for line in AWKWARD).encode()


@pytest.mark.parametrize(
    "raw, said",
    [
        (
            gzip.compress(b"some text\n", mtime=0),
            r"compressed; unpack it \(gzip -dc\)",
        ),
        (
            "some text\n".encode("utf-16"),
            r"UTF-16, not UTF-8 .*; convert it with iconv",
        ),
        (codecs.BOM_UTF16_BE + "text".encode("utf-16-be"), "UTF-16, not UTF-8"),
    ],
    ids=["compressed", "little-endian", "big-endian"],
)
def test_a_file_that_is_no_text_is_told_by_its_beginning(
    raw: bytes, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "train.en"
    path.write_bytes(raw)
    for read in (read_lines, read_lines_or_none):
        with pytest.raises(DataError, match=f"train.en: {said}"):
            list(read(path))
    with pytest.raises(DataError, match=f"input: {said}"):
        list(read_lines_leniently(io.BytesIO(raw)))


def test_invalid_utf8_is_named_by_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "latin1.txt"
    path.write_bytes("gut\nsch\xf6n\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"latin1\.txt:2: not UTF-8: byte 0xf6"):
        list(read_lines(path))
    assert list(read_lines_or_none(path)) == ["gut", None]
    with open(path, "rb") as stream:
        assert list(read_lines_leniently(stream)) == ["gut", "sch\ufffdn"]


def test_a_line_that_would_fill_the_memory_is_refused_with_its_number(
    tmp_path: Path,
) -> None:
    path = tmp_path / "bomb.gz"
    with gzip.open(path, "wb") as stream:  # 2 GB in 2 MB would do as well
        stream.write(b"a line\n")
        stream.write(bytes(LONGEST_LINE))
    assert [len(line) for line in read_lines(path)] == [6, LONGEST_LINE]
    with gzip.open(path, "ab") as stream:
        stream.write(b"x")
    with pytest.raises(DataError, match=r"bomb.gz:2: a line of more than 16 MB"):
        list(read_lines(path))


def test_files_that_cannot_be_read_are_data_errors(tmp_path: Path) -> None:
    packed = gzip.compress(b"some text\n" * 1000)
    (tmp_path / "plain.gz").write_bytes(b"not packed\n")
    (tmp_path / "cut.gz").write_bytes(packed[:-20])
    (tmp_path / "flipped.gz").write_bytes(packed[:20] + b"\xff" * 8 + packed[28:])
    for name in ("plain.gz", "cut.gz", "flipped.gz", "missing.txt", "."):
        with pytest.raises(DataError):
            list(read_lines(tmp_path / name))


@pytest.mark.parametrize("name", ["lines.txt", "lines.gz"])
def test_a_failed_writer_leaves_what_was_there(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"old")
    with pytest.raises(KeyError), write_whole(path) as stream:
        stream.write("new")
        raise KeyError
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_writing_through_a_link_keeps_the_link(tmp_path: Path) -> None:
    (tmp_path / "file.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to("file.txt")
    with write_whole(tmp_path / "link.txt") as stream:
        stream.write("new")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "file.txt").read_text() == "new"


def test_places_that_cannot_be_written_are_data_errors(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing" / "file.txt"):
        with pytest.raises(DataError), write_whole(path):
            pass
    with write_whole(Path("/dev/null")) as stream:
        stream.write("gone")
    assert Path("/dev/null").is_char_device()
