"""docs/attention.md shows the code that is there, and its example runs."""

import contextlib
import io
import re
from pathlib import Path

PROJECT = Path(__file__).parent.parent
PAGE = (PROJECT / "docs" / "attention.md").read_text(encoding="utf-8")


def python_blocks() -> list[tuple[str, str]]:
    """Each block of Python with the file of nmt/ that was named last before it."""
    found, file = [], ""
    for name, code in re.findall(r"`(nmt/\w+\.py)`|```python\n(.*?)```", PAGE, re.S):
        file = name or file
        if code:
            found.append((file, code))
    return found


def one_by_one(code: str) -> str:
    return "\n".join(line.strip() for line in code.strip().splitlines())


def test_the_code_shown_stands_in_the_file_that_is_named() -> None:
    shown = [(name, code) for name, code in python_blocks() if code[0] == " "]
    assert len(shown) == 7
    for name, code in shown:
        assert one_by_one(code) in one_by_one((PROJECT / name).read_text()), code


def test_functions_that_are_named_are_there() -> None:
    sources = "".join(path.read_text() for path in (PROJECT / "nmt").glob("*.py"))
    for name in re.findall(r"`(?:\w+\.)?(_?[a-z]+_[a-z_]+)`", PAGE):
        assert re.search(rf"\b{name}\b", sources), name


def test_the_example_prints_what_it_says() -> None:
    [example] = [code for _, code in python_blocks() if code.startswith("import")]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(example, {})
    assert f"# {printed.getvalue().strip()}\n" in example


def test_the_pictures_are_there() -> None:
    for path in re.findall(r"!\[.*\]\(([\w.-]+)\)", PAGE):
        assert (PROJECT / "docs" / path).exists()
