"""docs/configuration.md, made from the schema, so that the two say the same.

    python scripts/document_configuration.py

Knows no key by name but those of the clashes, whose messages are the schema's own.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from nmt import hardware
from nmt.config import Config

PAGE = Path(__file__).parent.parent / "docs" / "configuration.md"

SMALLEST: dict[str, Any] = {
    "run_dir": "runs/mine",
    "data": {
        "train": {"source": "mine/train.en", "target": "mine/train.de"},
        "validation": {"source": "mine/valid.en", "target": "mine/valid.de"},
    },
}

# Values that are refused together, each of them legal beside the defaults.
CLASHES: list[dict[str, Any]] = [
    {"training.batch_size": 64, "training.batch_tokens": 4000},
    {"training.epochs": None, "training.steps": None},
    {"training.schedule": "inverse_sqrt", "training.warmup_steps": 0},
    {"model.tie_embeddings": "all", "tokenizer.joint": False},
    {"tokenizer.type": "word", "tokenizer.sampling": 0.1},
]

# As far as TensorFlow counts, which tells a reader nothing.
UNBOUNDED = 2**31 - 1

Schema = Mapping[str, Any]


def page() -> str:
    """The whole page, in Markdown."""
    hardware.prepare()  # a quiet TensorFlow, before what imports it
    from nmt.changes import identity

    schema = Config.model_json_schema()
    fixed = identity(Config.model_validate(SMALLEST))
    sections = [
        (schema["$defs"].get(name, schema), paths)
        for name, paths in _sections(schema).items()
    ]
    tables = [_table(section, paths, fixed) for section, paths in sections]
    choices = [
        {f"{path}.{key}": choice}
        for section, [path, *_] in sections
        for key, value in section["properties"].items()
        for choice in value.get("enum", ())
    ]
    clashes = [values for values in choices + CLASHES if refusal(values)]
    return "\n\n".join([_opening(), *tables, _clashes(clashes)]) + "\n"


def refusal(values: Mapping[str, Any]) -> str:
    """What the schema says to these values, by dotted key; empty if nothing."""
    settings: dict[str, Any] = {**SMALLEST}
    for key, value in values.items():
        *sections, name = key.split(".")
        inner = settings
        for section in sections:
            inner[section] = inner = {**inner.get(section, {})}
        inner[name] = value
    try:
        Config.model_validate(settings)
    except ValidationError as error:
        details = error.errors()[0]
        key = [*details["loc"], *filter(None, [details.get("ctx", {}).get("key")])]
        said = details["msg"].removeprefix("Value error, ")
        return f"`{'.'.join(map(str, key))}` {said}"
    return ""


def _opening() -> str:
    return f"""# Configuration

<!-- Made by scripts/document_configuration from nmt/config.py: change it there. -->

A configuration is a YAML file, which `nmt train` and `nmt check` read. This is a whole
one; every other key has a default.

```yaml
{yaml.safe_dump(SMALLEST, sort_keys=False).strip()}
```

- **On the command line**, `--set model.layer_norm=false` puts a value over the file's,
  in YAML's own syntax; it may be given many times.
- **Paths** are relative to the directory in which the command runs.
- **Mistakes.** A key that is not on this page, a value that is not allowed, keys that
  clash: all are reported at once, each with its line, before anything runs.
- **The last column.** `nmt train` goes on with a run that is there already. What has a
  *yes* may have changed since. Any other change is refused: the updates that the run
  has already were made with the old value. `--restart`, or another `run_dir`, starts
  anew.
- **What a run used** is in its `config.yaml`: every key with its value."""


def _sections(schema: Schema) -> dict[str, list[str]]:
    """The dotted paths at which each section's definition stands, top first."""
    found: dict[str, list[str]] = {"": [""]}

    def walk(section: Schema, path: str) -> None:
        for key, value in section["properties"].items():
            if name := _definition(value):
                found.setdefault(name, []).append(f"{path}{key}")
                walk(schema["$defs"][name], f"{path}{key}.")

    walk(schema, "")
    return found


def _definition(value: Schema) -> str | None:
    """The name of the section that a key takes: one, a list of it, or null."""
    for part in (value, value.get("items", {}), *value.get("anyOf", ())):
        if "$ref" in part:
            return part["$ref"].rpartition("/")[2]
    return None


def _table(section: Schema, paths: list[str], fixed: Mapping[str, Any]) -> str:
    """A section under its heading, a line for each of its keys."""
    heading = " and ".join(f"`{path}`" for path in paths if path) or "At the top"
    lines = [f"## {heading}", ""]
    if "description" in section:
        lines += [_one_line(section["description"]), ""]
    lines += ["| key | default | allowed | what it is | may change |"]
    lines += ["|---|---|---|---|---|"]
    for name, value in section["properties"].items():
        key = f"{paths[0]}.{name}" if paths[0] else name
        needed = name in section.get("required", ())
        cells = (
            f"`{name}`",
            "needed" if needed else _default(value),
            ", ".join(_allowed(value)),
            _one_line(value["description"]),
            "" if any(f"{place}.".startswith(f"{key}.") for place in fixed) else "yes",
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _default(value: Schema) -> str:
    if _definition(value):
        return "null" if value["default"] is None else "as below"
    return f"`{_as_yaml(value['default'])}`"


def _allowed(value: Schema) -> Iterator[str]:
    """What a key may be, in words."""
    if "$ref" in value:
        yield "a section"
    elif "anyOf" in value:
        for part in value["anyOf"]:
            yield from _allowed(part)
    elif "enum" in value or "const" in value:
        for choice in value.get("enum", [value.get("const")]):
            yield f"`{choice}`"
    elif value["type"] == "boolean":
        yield "`true`, `false`"
    elif value["type"] == "array":
        yield "a section, or a list of them"
    elif value["type"] == "null":
        yield "`null`"
    elif value["type"] == "string":
        yield "path" if value.get("format") == "path" else f"`{value['pattern']}`"
    else:
        yield _numbers(value)


def _numbers(value: Schema) -> str:
    words = ["whole number" if value["type"] == "integer" else "number"]
    if "minimum" in value:
        words.append(f"{value['minimum']:g} or more")
    if "exclusiveMinimum" in value:
        words.append(f"above {value['exclusiveMinimum']:g}")
    if value.get("maximum", UNBOUNDED) != UNBOUNDED:
        words.append(f"at most {value['maximum']:g}")
    if "exclusiveMaximum" in value:
        words.append(f"below {value['exclusiveMaximum']:g}")
    return ", ".join(words)


def _clashes(clashes: list[dict[str, Any]]) -> str:
    defaults = "What is not given has its default, but `batch_size` none beside"
    lines = ["## What clashes", "", f"{defaults} `batch_tokens`.", ""]
    lines += ["| given | what is said |", "|---|---|"]
    for values in clashes:
        together = ", ".join(f"`{key}: {_as_yaml(v)}`" for key, v in values.items())
        lines.append(f"| {together} | {refusal(values)} |")
    return "\n".join(lines)


def _as_yaml(value: Any) -> str:
    return yaml.safe_dump(value).removesuffix("\n...\n").strip()


def _one_line(text: str) -> str:
    return " ".join(text.split())


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
