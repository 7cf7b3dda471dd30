"""Text that breaks programs: as many lines come out, and none of it means anything."""

import json
import re
import subprocess
import sys

import pytest
from click.testing import CliRunner
from conftest import ToyRun

from nmt import cli
from nmt.tokenizer import NUM_SPECIAL, TokenizerPair

# Lines as bytes, without their line feeds. The first and the last are special: a byte
# order mark counts at the start of a file only, and the last line feed is missing.
AWKWARD = [
    b"\xef\xbb\xbfba ce",
    b"\xef\xbb\xbf",  # a second byte order mark is text
    b"",
    b" ",
    b" \t  ",
    "\u3000\u2003\u00a0".encode(),  # blanks of other widths
    b"a",
    b"ba ce di fo ",
    b"  ba   ce",
    b"\tba\tce\t",
    b"ba " * 1_666 + b"ba",  # 5,000 characters
    b"x" * 5_000,  # one word of 5,000 characters
    "\u5b57".encode() * 1_000,
    b"!?" * 400,
    b"." * 999,
    b"0123456789 -1.5e-300 1,000,000 0x1F 1/0 NaN inf",
    "\U0001f600 ba \u2764\ufe0f".encode(),
    "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466".encode(),  # joined
    "\U0001f44d\U0001f3fd \U0001f1e9\U0001f1ea\U0001f1eb".encode(),  # flags, one half
    "\u0645\u0631\u062d\u0628\u0627 \u05e9\u05dc\u05d5\u05dd".encode(),  # to the left
    "\u202eba ce\u202c \u2066di\u2069 \u200f\u061c".encode(),  # controls of direction
    "e\u0301 \u00e9 \u1e69 s\u0323\u0307 s\u0307\u0323".encode(),  # equal, if composed
    ("a" + "\u0300\u0316\u0489" * 60).encode(),  # many marks on one letter
    "\u0301 a mark on nothing".encode(),
    "I\u0131\u0130i \u00df\u1e9e \u01c4 \ufb01".encode(),  # dotless i, sharp s, fi
    "\uff22\uff21 \uff23\uff25\uff01 \uff76\uff9e".encode(),  # full and half width
    "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35 \u0928\u093f \uac01 \u1100\u1161".encode(),
    "\U00010348 \U0001d49c \U00020000 \U000e0041 \U0010fffd".encode(),  # beyond 16 bits
    "\ue000\uf8ff private, \ufffe\uffff\ufdd0\U0010ffff no characters".encode(),
    "\ufffd ba \ufffc".encode(),
    "ba\u200b\u200c\u200d\u2060\u00adce\u034f".encode(),  # nothing to see
    b"ba\0ce\0",
    b"\0",
    b"\x01\x02\x03\x07\x08\x0e\x1a\x1c\x1d\x1e\x1f\x7f",
    b"\x1b[31mba\x1b[0m \x1b]0;title\x07 \x1b[2J",  # for a terminal
    "ba\u0085ce\u2028di\u2029fo".encode(),  # line ends elsewhere
    b"ba\x0bce\x0cdi",
    b"ba\rce\r\rdi",
    b"ba ce\r",  # before the line feed: part of the line's end
    b"ba ce\r\r",
    b"\r",
    b"\x80ba",  # not UTF-8: a lone continuation,
    b"ba\xff\xfe",  # bytes that never occur,
    b"ba \xc3",  # a character that is cut,
    b"\xe2\x82 ba",
    b"\xf0\x9f\x98",
    b"\xc0\xaf \xe0\x80\xaf",  # too long a form,
    b"\xed\xa0\xbd\xed\xb8\x80 \xed\xa0\x80",  # surrogates, a pair and alone,
    b"\xf4\x90\x80\x80",  # beyond the last code point,
    "Gr\u00fc\u00dfe".encode("latin-1"),  # other encodings
    b"b\0a\0 \0c\0e\0",
    b"</s>",
    b"<s> ba ce </s> <pad> <unk> [PAD] [UNK] <|endoftext|> @@",
    b"ba</s>ce<s>di",
    b"<0x0A><0x00> <0xFF>",
    "\u2581ba\u2581\u2581ce \u2581 \u2047".encode(),
    b"0 ||| ba ||| -1.0",
    b"|||",
    b"ba ||| ce",
    b"0-0 1-1",
    b"- ba: [ce, {di: *fo}] !!python/object/apply:os.system ['false'] # gu",
    b'{"source": "ba", "hypotheses": []}',
    b"\"ba\", 'ce' \\n \\u0000 \\ \\\\",
    b"<p>ba &amp; &#10; <script>alert(1)</script><!-- ce",
    b"$(false) `false` ; false | false > /dev/null && exit 1; ${HOME} !! *",
    b"%s %d %n {} {0} {ba!r} %(ce)s",
    b"--help",
    b"-",
    b"../../etc/passwd",
    b"',); DROP TABLE sentences; --",
    b"no line feed follows",
]
SOURCES = [
    line.removesuffix(b"\r").decode(errors="replace")
    for line in [AWKWARD[0].removeprefix(b"\xef\xbb\xbf"), *AWKWARD[1:]]
]
INPUT = b"\n".join(AWKWARD)
# Quick: a long translation shows no more, and a long line lengthens a small batch.
QUICK = ["--max-length", "9", "--batch-size", "8"]
# All that may be said: that lines are not UTF-8, and that translations were cut, as
# QUICK asks.
SAID = re.compile(
    r"(\d+ of \d+ lines have U.FFFD.*\n)?(\d+ of \d+ translations reached .*\n)?"
)


def test_there_are_forty_of_them_at_least() -> None:
    assert len(set(SOURCES)) >= 40


def test_a_process_answers_every_line_with_a_line_quietly(
    toy_run: ToyRun,
) -> None:
    process = subprocess.run(
        [sys.executable, "-m", "nmt", "translate", "--ckpt", toy_run.path]
        + ["greedy", *QUICK],
        input=INPUT,
        capture_output=True,
    )
    assert process.returncode == 0, process.stderr
    assert SAID.fullmatch(process.stderr.decode())
    lines = process.stdout.decode().split("\n")
    assert lines.pop() == ""
    assert len(lines) == len(AWKWARD)
    for source, line in zip(SOURCES, lines, strict=True):
        assert bool(line.strip()) <= bool(source.strip()), "out of nothing"
        assert "\r" not in line


@pytest.mark.parametrize("search", ["greedy", "beam"])
def test_every_line_of_json_is_whole_and_repeats_its_source(
    toy_run: ToyRun, search: str
) -> None:
    call = ["translate", "--ckpt", str(toy_run.path), search, "--format", "jsonl"]
    result = CliRunner().invoke(cli.main, [*call, *QUICK], input=INPUT)
    assert result.exit_code == 0, result.output
    assert SAID.fullmatch(result.stderr)
    records = [json.loads(line) for line in result.stdout_bytes.split(b"\n")[:-1]]
    assert [record["source"] for record in records] == SOURCES
    for record in records:
        assert all("\n" not in best["text"] for best in record["hypotheses"])


def test_all_of_it_is_text_to_the_tokenizer(toy_run: ToyRun) -> None:
    tokenizer = TokenizerPair.load(toy_run.path / "tokenizer").source
    encoded = tokenizer.encode(SOURCES)
    for source, ids in zip(SOURCES, encoded, strict=True):
        assert all(token >= NUM_SPECIAL for token in ids), source
    # U+2581 is sentencepiece's own sign for a space.
    expected = [source.replace("\u2581", " ") for source in SOURCES]
    assert tokenizer.decode(encoded) == expected


def test_the_name_of_a_token_is_not_that_token(toy_run: ToyRun) -> None:
    tokenizer = TokenizerPair.load(toy_run.path / "tokenizer").source
    names = tokenizer.pieces(range(NUM_SPECIAL + 256))
    assert names[NUM_SPECIAL + 0x0A] == "<0x0A>"
    encoded = tokenizer.encode(names)
    assert tokenizer.decode(encoded) == names
    assert all(len(ids) >= len("<s>") for ids in encoded)
