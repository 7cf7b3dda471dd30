"""Data files that cannot be trained on, by hand.

Each is put beside a good configuration; the command line has to fail.
"""

import gzip
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bad_inputs import SOURCES, Bad, good


def data(
    name: str, says: str, *commands: str, **files: bytes | Callable[[Path], Any]
) -> list[Bad]:
    """Bad text: files by name (train_en is train.en), and what the message names."""

    def maker(command: str) -> Callable[[Path], list[str]]:
        def make(directory: Path) -> list[str]:
            config = good(directory)
            for key, content in files.items():
                path = directory / key.replace("_", ".")
                path.unlink(missing_ok=True)
                if isinstance(content, bytes):
                    path.write_bytes(content)
                else:
                    content(path)
                if path.suffix == ".gz":
                    text = config.read_text()
                    plain = str(path.with_suffix(""))
                    config.write_text(text.replace(plain, str(path)))
            return [command, str(config)]

        return make

    return [
        Bad(f"{command}: {name}", maker(command), says)
        for command in commands or ("check", "train")
    ]


def lines(*changed: tuple[int, bytes]) -> bytes:
    """The good source text with some lines, from 1, in another form."""
    text = [line.encode() for line in SOURCES]
    for number, line in changed:
        text[number - 1] = line
    return b"".join(line + b"\n" for line in text)


WHOLE = gzip.compress(lines(), mtime=0)
BOTH = "{0}/train.en has 40 lines and {0}/train.de has"
DATA = [
    *data("one line less", BOTH + " 39", train_de=lines().partition(b"\n")[2]),
    *data("one line more", BOTH + " 41", train_de=lines() + b"x\n"),
    *data("line ends doubled", BOTH, train_de=lines().replace(b"\n", b"\n\n")),
    *data("old Mac line ends", BOTH + " 1", train_de=lines().replace(b"\n", b"\r")),
    *data("no line ends", BOTH + " 1", train_de=lines().replace(b"\n", b" ")),
    *data(
        "validation lines",
        "{0}/val.en has 1 lines and {0}/val.de has 3",
        val_en=b"a\n",
        val_de=b"b\n" * 3,
    ),
    *data("empty target", BOTH + " 0", train_de=b""),
    *data(
        "both empty",
        "{0}/train.en",
        train_en=b"",
        train_de=b"",
    ),
    *data("empty validation", "are empty", val_en=b"", val_de=b""),
    *data("a BOM and no more", "{0}/train.en", train_en=b"\xef\xbb\xbf", train_de=b""),
    *data("blank source", "no pair", train_en=b"\n" * 40),
    *data("blank target", "no pair", train_de=b" \t\n" * 40),
    *data(
        "blanks facing text",
        "no pair",
        train_en=b"\nab\n" * 20,
        train_de=b"ab\n\n" * 20,
    ),
    *data("no UTF-8 at all", "no pair", train_en=b"\xff\n" * 40),
    *data("UTF-16", "{0}/train.de: UTF-16", train_de=lines().decode().encode("utf-16")),
    *data(
        "validation not UTF-8",
        "{0}/val.en:2: not UTF-8",
        val_en=b"a\n\xe9\nc\n",
        val_de=b"a\nb\nc\n",
    ),
    *data(
        "validation Latin-1",
        "{0}/val.de:1: not UTF-8",
        val_en=b"a\n",
        val_de=b"f\xfcr\n",
    ),
    *data(
        "validation surrogate",
        "{0}/val.en:1: not UTF-8",
        val_en=b"\xed\xa0\x80\n",
        val_de=b"a\n",
    ),
    *data(
        "validation cut in a letter",
        "{0}/val.en:1: not UTF-8",
        val_en=b"\xe4\xb8\n",
        val_de=b"a\n",
    ),
    *data("blank validation", "{0}/val.en", val_en=b"\n" * 5, val_de=b"\n" * 5),
    *data("blank references", "{0}/val.de", val_en=b"a\n" * 5, val_de=b"\n" * 5),
    *data("missing", "{0}/train.en: no such file", train_en=lambda path: None),
    *data("validation missing", "{0}/val.de: no such file", val_de=lambda path: None),
    *data("a directory", "{0}/train.en", train_en=lambda path: path.mkdir()),
    *data("a pipe", "{0}/train.de", train_de=os.mkfifo),
    *data("validation a pipe", "{0}/val.de", val_de=os.mkfifo),
    *data(
        "/dev/zero", "{0}/train.en", train_en=lambda path: path.symlink_to("/dev/zero")
    ),
    *data(
        "a link to itself", "{0}/train.en", train_en=lambda path: path.symlink_to(path)
    ),
    *data(
        "a link to nothing",
        "{0}/train.en",
        train_en=lambda path: path.symlink_to("gone"),
    ),
    *data(
        "a link to a directory",
        "{0}/train.en",
        train_en=lambda path: path.symlink_to("/"),
    ),
    *data("gz cut short", "{0}/train.en.gz: not a whole gzip", train_en_gz=WHOLE[:-9]),
    *data(
        "gz damaged",
        "{0}/train.en.gz: not a whole gzip",
        train_en_gz=WHOLE[:40] + b"\0\0\0" + WHOLE[43:],
    ),
    *data(
        "gz with a wrong sum",
        "{0}/train.en.gz: not a whole gzip",
        train_en_gz=WHOLE[:-8] + b"\0" * 8,
    ),
    *data("plain named gz", "{0}/train.en.gz: not a whole gzip", train_en_gz=lines()),
    *data(
        "gz and rubbish",
        "{0}/train.en.gz: not a whole gzip",
        train_en_gz=WHOLE + b"rubbish",
    ),
    *data("empty gz", "{0}/train.en.gz has 0 lines", train_en_gz=b""),
    *data(
        "gz bomb",
        "{0}/train.en.gz:1: a line of",
        "check",
        train_en_gz=gzip.compress(bytes(20 << 20), mtime=0),
    ),
    *data(
        "zip named gz",
        "{0}/train.en.gz: not a whole gzip",
        train_en_gz=b"PK\3\4" + bytes(50),
    ),
    *data(
        "all too long",
        "data.max_length is 100",
        "train",
        train_en=b"".join(
            b"%d " * 300 % tuple(range(n, n + 300)) + b"\n" for n in range(40)
        ),
    ),
    *data(
        "one huge line", "{0}/train.en has 1 lines", "check", train_en=b"a" * (9 << 20)
    ),
]
