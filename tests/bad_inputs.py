"""Configurations that cannot be used, by hand and by rule.

Each is made in a directory of its own and is a command line that has to fail.
"""

import gzip
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CONFIG = """\
run_dir: {0}/run
data:
  source_language: en
  target_language: de
  train: {{source: {0}/train.en, target: {0}/train.de}}
  validation: {{source: {0}/val.en, target: {0}/val.de}}
tokenizer: {{vocab_size: 300}}
model: {{embedding_size: 4, encoder_size: 4, decoder_size: 4}}
training: {{steps: 2}}
"""
SOURCES = [f"the {n} dogs run to house number {n * 7}" for n in range(40)]
TARGETS = [f"die {n} Hunde laufen zu Haus Nummer {n * 7}" for n in range(40)]


@dataclass(frozen=True)
class Bad:
    """One bad input: `make` puts it into a directory and gives the command line."""

    name: str
    make: Callable[[Path], list[str]]
    says: str
    """What the message has to name: file and line, or key; {0} is the directory."""


def good(directory: Path) -> Path:
    """A configuration and data that can be trained on; the configuration's path."""
    for name, lines in (
        ("train.en", SOURCES),
        ("train.de", TARGETS),
        ("val.en", [f"a {line}" for line in SOURCES[:9]]),
        ("val.de", [f"eine {line}" for line in TARGETS[:9]]),
    ):
        (directory / name).write_text("".join(f"{line}\n" for line in lines))
    config = directory / "config.yaml"
    config.write_text(CONFIG.format(directory))
    return config


# Values of keys, by rule ----------------------------------------------------------

WRONG_KINDS = ["{a: 1}", "[1, 2]", "!!python/object/apply:os.system [echo]", "&a x"]
WRONG_NUMBERS = ["-1", "'3'", "true", "1e400", ".nan", "9" * 30, "0x" + "f" * 5000]
MAY_BE_NULL = "epochs steps batch_size batch_tokens source_language target_language "
MAY_BE_NULL += "start_from"
WRONG_WORDS = ["no-such-word", "3", '"\\e[2J"', "0.5", "BEAM"]


def settings(schema: dict[str, Any]) -> list[Bad]:
    """Each key of a resolved configuration with values that it cannot have."""
    found = []
    for section in ("tokenizer", "model", "training", "decoding", "data"):
        for key, value in schema[section].items():
            if isinstance(value, dict | list):
                continue
            wrong = [*WRONG_KINDS, ""]
            if isinstance(value, bool):
                wrong += ["yes", "1", "'true'"]
            elif isinstance(value, int | float):
                wrong += WRONG_NUMBERS
            elif isinstance(value, str) and key != "validate_every":
                wrong += WRONG_WORDS
            if key in MAY_BE_NULL:
                wrong.remove("")
            if key == "clip_norm":  # as good as none
                wrong.remove("9" * 30)
            found += [setting(f"{section}.{key}={text}") for text in wrong]
            found.append(setting(f"{section}.{key[:-1]}=1", says=f"{section}.{key}"))
    return found


def setting(override: str, says: str = "") -> Bad:
    key = override.partition("=")[0]
    return Bad(
        f"--set {override[:60]}",
        lambda directory: ["check", str(good(directory)), "--set", override],
        says or f"--set {key}",
    )


# Whole configurations, by hand ----------------------------------------------------


def text_config(name: str, content: str | bytes, says: str) -> Bad:
    def make(directory: Path) -> list[str]:
        path = good(directory)
        data = content.encode() if isinstance(content, str) else content
        path.write_bytes(data.replace(b"GOOD", path.read_bytes()))
        return ["check", str(path)]

    return Bad(name, make, says)


def special_config(name: str, put: Callable[[Path], Any], says: str) -> Bad:
    def make(directory: Path) -> list[str]:
        path = good(directory)
        path.unlink()
        put(path)
        return ["check", str(path)]

    return Bad(name, make, says)


HERE = "{0}/config.yaml"
LAUGHS = "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n"
CONFIGS = [
    text_config("empty", "", HERE + ":1"),
    text_config("comments only", "# one\n# two\n", HERE + ":1"),
    text_config("a list", "- a\n- b\n", HERE + ":1"),
    text_config("a word", "hello", HERE + ":1"),
    text_config("a number", "42\n", HERE + ":1"),
    text_config("JSON list", '["a", 1]', HERE + ":1"),
    text_config("binary", bytes(range(256)), HERE),
    text_config("an ELF header", b"\x7fELF\x02\x01\x01\x00", HERE),
    text_config("gzip", gzip.compress(b"run_dir: a", mtime=0), HERE + ":1"),
    text_config("UTF-16", "run_dir: a\n".encode("utf-16"), HERE + ":1"),
    text_config("UTF-16 unmarked", "run_dir: a\n".encode("utf-16-le"), HERE + ":1"),
    text_config("UTF-32", "run_dir: a\n".encode("utf-32"), HERE),
    text_config("Latin-1", "GOOD\n# f\u00fcr\n".encode("latin-1"), HERE + ":11"),
    text_config("NUL", "run_dir: a\nx: \0\n", HERE + ":2"),
    text_config("escape sequence", "run_dir: a\nx: \x1b[2J\n", HERE + ":2"),
    text_config("BOM in the middle", "GOOD\ufeffx: 1\n", HERE + ":10"),
    text_config("tab", "data:\n\ttrain: x\n", HERE + ":2"),
    text_config("tab after a dash", "data:\n-\t- a\n  -\tb\n", HERE),
    text_config("CRLF and a slip", "run_dir: a\r\ndata\r\nx: 1\r\n", HERE),
    text_config("old Mac line ends", "run_dir: a\rdat: {}\r", HERE),
    text_config("unclosed bracket", "run_dir: [a\n", HERE + ":2"),
    text_config("unclosed brace", "data: {train: x\n", HERE),
    text_config("unclosed quote", "run_dir: 'a\n", HERE),
    text_config("wrong indentation", "data:\n   train: a\n  validation: b\n", HERE),
    text_config("colon in a value", "run_dir: a: b\n", HERE + ":1"),
    text_config("two documents", "GOOD---\nrun_dir: b\n", HERE + ":10"),
    text_config("a directive", "%YAML 9.9\n---\na: 1\n", HERE),
    text_config("a tag directive", "%TAG ! tag:x,2000:\n---\n!a b\n", HERE),
    text_config("an anchor", "run_dir: &a x\n", HERE + ":1"),
    text_config("an alias", "run_dir: *a\n", HERE + ":1"),
    text_config("billion laughs", LAUGHS, HERE + ":1"),
    text_config("merge key", "GOOD<<: {seed: 1}\n", HERE + ":10"),
    text_config("python object", "run_dir: !!python/object:os.system {}\n", HERE),
    text_config("python name", "run_dir: !!python/name:os.system\n", HERE + ":1"),
    text_config("own tag", "run_dir: !vault x\n", HERE + ":1"),
    text_config("binary tag", "run_dir: !!binary aGk=\n", HERE + ":1"),
    text_config("a long tag", f"run_dir: !{'a' * 9999} x\n", HERE + ":1"),
    text_config("deep nesting", "a: " + "[" * 5000, HERE),
    text_config("deep braces", "{a: " * 3000, HERE),
    text_config("deep dashes", "- " * 5000, HERE),
    text_config("complex key", "? [a, b]\n: c\n", HERE),
    text_config("duplicate key", "GOODrun_dir: b\n", HERE + ":10"),
    text_config("duplicate section", "GOODdata: {}\n", HERE + ":10"),
    text_config("unknown key", "GOODmodle: {}\n", HERE + ":10: modle"),
    text_config("key in no section", "GOODbatch_size: 3\n", HERE + ":10"),
    text_config("key of escapes", 'GOOD"\\e[2J\\n": 1\n', HERE + ":10"),
    text_config("number as key", "GOOD5: 1\n", HERE + ":10: 5"),
    text_config("no run_dir", "data: {}\n", "run_dir: missing"),
    text_config("no data", "run_dir: a\n", "data: missing"),
    text_config("section as text", "run_dir: a\ndata: b\n", HERE + ":2"),
    text_config("empty section", "GOOD\ndecoding:\n", HERE + ":11: decoding"),
    text_config("run_dir with NUL", 'run_dir: "a\\0b"\n', HERE + ":1: run_dir"),
    text_config("thousands of mistakes", "".join(
        f"k{n}: 1\n" for n in range(9000)), HERE),
    text_config("too large", "#" * 200_000, HERE),
    special_config("no file", lambda path: None, HERE),
    special_config("a directory", lambda path: path.mkdir(), HERE),
    special_config("a pipe", os.mkfifo, HERE),
    special_config("a link to itself", lambda path: path.symlink_to(path), HERE),
    special_config("a link to nothing", lambda p: p.symlink_to("gone"), HERE),
    special_config("/dev/zero", lambda path: path.symlink_to("/dev/zero"), HERE),
    special_config("/dev/null", lambda path: path.symlink_to("/dev/null"), HERE),
    setting("x", "--set x"),
    setting("=1", "--set =1"),
    setting("training.seed", "--set training.seed"),
    setting(".seed=1", "--set .seed"),
    setting("training..seed=1", "--set training..seed"),
    setting("training.seed=[", "--set training.seed=["),
    setting("training.seed=1\n2: 3", "--set training.seed"),
    setting("run_dir.x=1", "run_dir.x"),
    setting("data.train.0.source=a"),
    setting("training={seed: 1, seed: 2}", "given twice"),
    setting("model.attention=dot\u0000", "--set model.attention"),
    setting("training.batch_tokens=5\ntraining.batch_size: 3"),
    setting("tokenizer.type=word\ud800"),
]  # fmt: skip


def resolved_schema() -> dict[str, Any]:
    from nmt.config import dump_config, parse_config

    tree = yaml.safe_load(dump_config(parse_config(CONFIG.format("x"), "c")))
    assert isinstance(tree, dict)
    return tree
