"""A file of YAML -> plain values that remember where they were written.

Knows nothing of this program's keys. Scalars are read as YAML 1.2 reads them: `4e-4`
is a number, and `no` (Norwegian) is text; only `true` and `false` are booleans.
Refused, because a configuration needs none of it: anchors and aliases (a few lines of
them can expand to gigabytes), tags of one's own, the same key twice.
"""

import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from nmt.errors import ConfigError, in_one_line
from nmt.files import without_waiting

# A thousand pairs of files fit; reading more takes PyYAML many seconds.
MAX_FILE_BYTES = 1 << 17
# Python itself stops at 4300 digits, but not in every base.
MOST_DIGITS = 1000

# How to reach a value from the top: the keys and list positions on the way.
YamlPath = tuple[str | int, ...]

_TAG = "tag:yaml.org,2002:"
# YAML 1.2.2, section 10.3.2 (core schema): tag, pattern, first characters.
_SCALARS = (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"
        r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
)


@dataclass
class Document:
    """A value, where each part of it was written, and what is wrong with the text."""

    value: Any
    places: dict[YamlPath, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    unreadable: set[YamlPath] = field(default_factory=set)
    """Where a problem left None in place of a value."""

    def place(self, path: YamlPath) -> str:
        """Where `path` was written; for what was not written, what would hold it."""
        while path not in self.places:
            path = path[:-1]
        return self.places[path]

    def replace(self, path: YamlPath, part: "Document") -> bool:
        """Put `part` at `path`, making mappings on the way.

        False, and nothing done, where the way leads through something else.
        """
        holder = self.value
        for depth, key in enumerate(path[:-1], start=1):
            if holder.get(key) is None:
                holder[key] = {}
                self.places[path[:depth]] = part.places[()]
            holder = holder[key]
            if not isinstance(holder, dict):
                return False
        holder[path[-1]] = part.value
        for old in [place for place in self.places if place[: len(path)] == path]:
            del self.places[old]
        self.places |= {path + below: where for below, where in part.places.items()}
        self.problems += part.problems
        self.unreadable |= {path + below for below in part.unreadable}
        return True


def read_text(path: Path) -> str:
    """The text of a configuration file.

    Raises: ConfigError for what cannot be read, or is none.
    """
    try:
        # A pipe that nobody writes to is empty, instead of a wait without an end.
        with open(path, "rb", opener=without_waiting) as file:
            os.set_blocking(file.fileno(), True)
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot read the configuration: {error.strerror}; usual cause:"
            " a misspelt path, or another current directory than it is relative to"
        ) from None
    if len(data) > MAX_FILE_BYTES:
        raise ConfigError(
            f"{path}: larger than {MAX_FILE_BYTES} bytes; usual cause: a data file"
            " given as the configuration"
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            f"{path}:{line}: not UTF-8; usual cause: saved in another encoding, or"
            " not a text file"
        ) from None


def read_yaml(text: str, place: Callable[[int], str]) -> Document:
    """The one document in `text`; its value is None for an empty text.

    `place` turns a line number, from 1, into the words that name it in a message.
    Raises: ConfigError where the text is not YAML at all. What is YAML and still
    refused is listed in `problems`.
    """
    try:
        root = yaml.compose(text, _Loader)
        document = Document(None, {(): place(1)})
        if root is not None:
            document.value = _value(root, (), document, place)
        return document
    except (ValueError, OverflowError):
        # PyYAML makes a character of an escape's number, whatever that is.
        escapes = re.finditer(r"\\U([0-9a-fA-F]{8})", text)
        beyond = [each for each in escapes if int(each[1], 16) > sys.maxunicode]
        if not beyond:
            raise
        line = text.count("\n", 0, beyond[0].start()) + 1
        raise ConfigError(
            f"{place(line)}: {beyond[0][0]} is no character: the last is \\U0010FFFF; "
            "usual cause: a Windows path in double quotes, where single ones are needed"
        ) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ConfigError(
            f"{place(line)}: a character that YAML does not allow"
            f" (U+{int(error.character):04X}); usual cause: not a text file"
        ) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        assert mark is not None
        what = " ".join(part for part in (error.context, error.problem) if part)
        what = in_one_line(what, 200)
        if "refused here" in what:
            cause = "text that begins with one, which needs quotes around it"
        elif "single document" in what:
            cause = "a second --- line, or two files in one"
        elif "'\\t'" in what:
            cause = "a tab where YAML allows only spaces"
        else:
            cause = "wrong indentation, or text that needs quotes around it"
        raise ConfigError(
            f"{place(mark.line + 1)}: not valid YAML: {what}; usual cause: {cause}"
        ) from None
    except RecursionError:
        raise ConfigError(
            f"{place(1)}: nested too deeply; usual cause: not a configuration file"
        ) from None


def put_over(document: Document, assignment: str, place: str) -> None:
    """Puts `SECTION.KEY=VALUE` over `document`; what is wrong joins its problems.

    `place` names the assignment in a message.
    """
    name, equals, value = assignment.partition("=")
    path = tuple(name.strip().split("."))
    if not equals or not all(path):
        document.problems.append(
            f"{place}: not an override; allowed: SECTION.KEY=VALUE, for instance"
            " training.seed=2"
        )
        return
    try:
        part = read_yaml(value, lambda line: place)
    except ConfigError as error:
        document.problems.append(str(error))
        return
    if not document.replace(path, part):
        document.problems.append(
            f"{place}: {in_one_line(name)} is inside something that is not a"
            " section; usual cause: a list, which is given as a whole"
        )


def dotted(path: YamlPath) -> str:
    """`path` for a message: `training.seed`."""
    return ".".join(in_one_line(str(step)) for step in path)


def write_yaml(value: Any) -> str:
    """`value` as YAML in block style that `read_yaml` reads back as the same value."""
    return yaml.dump(
        value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000
    )


class _Loader(yaml.SafeLoader):
    """Composes nodes with YAML 1.2's scalars; no aliases."""

    # Empties what is inherited: PyYAML's own patterns are those of YAML 1.1.
    yaml_implicit_resolvers = {}

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if getattr(event, "anchor", None) is not None:
            refused = "anchors and aliases (& and *) are refused here"
            raise yaml.composer.ComposerError(None, None, refused, event.start_mark)
        return super().compose_node(parent, index)


class _Dumper(yaml.SafeDumper):
    """Quotes text that YAML 1.2, or PyYAML's 1.1, would read as anything else."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


for _name, _pattern, _first in _SCALARS:
    for _class in (_Loader, _Dumper):
        _class.add_implicit_resolver(
            _TAG + _name, re.compile(rf"(?:{_pattern})\Z"), _first
        )


def _value(
    node: yaml.Node, path: YamlPath, document: Document, place: Callable[[int], str]
) -> Any:
    """The plain value of `node`; its places and problems go into `document`."""
    document.places.setdefault(path, place(node.start_mark.line + 1))
    if isinstance(node, yaml.MappingNode) and node.tag == _TAG + "map":
        mapping = {}
        for key, key_place, child in _entries(node, place):
            if key in mapping:
                document.problems.append(
                    f"{key_place}: {dotted((*path, key))}: given twice,"
                    f" first at {document.places[(*path, key)]}; keep one"
                )
                continue
            document.places[(*path, key)] = key_place
            mapping[key] = _value(child, (*path, key), document, place)
        return mapping
    if isinstance(node, yaml.SequenceNode) and node.tag == _TAG + "seq":
        return [
            _value(child, (*path, position), document, place)
            for position, child in enumerate(node.value)
        ]
    try:
        return _scalar(node.tag.removeprefix(_TAG), node.value)
    except (ValueError, KeyError):
        document.problems.append(
            f"{place(node.start_mark.line + 1)}: cannot be read as"
            f" {in_one_line(node.tag.replace(_TAG, '!!'))}; allowed: text,"
            " numbers, true, false, null, lists, mappings"
        )
        document.unreadable.add(path)
        return None


def _entries(
    node: yaml.MappingNode, place: Callable[[int], str]
) -> Iterator[tuple[str, str, yaml.Node]]:
    """Each entry's key (always text), where it stands, and the node of its value."""
    for key, child in node.value:
        text = key.value if isinstance(key, yaml.ScalarNode) else "?"
        yield text, place(key.start_mark.line + 1), child


def _scalar(kind: str, text: Any) -> Any:
    """Raises: ValueError or KeyError where `text` is not of that kind."""
    match kind:
        case "str":
            return text
        case "null":
            return None
        case "bool":
            return {"true": True, "false": False}[text.lower()]
        case "int":
            if len(text) > MOST_DIGITS:
                raise ValueError("too many digits")
            # Base 0 would refuse the leading zeros that YAML 1.2 allows.
            return int(text, 0 if text[:2] in ("0o", "0x") else 10)
        case "float":
            return float(re.sub(r"\.(?=[inIN])", "", text))
    raise KeyError(kind)
