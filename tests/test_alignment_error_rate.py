"""scripts/alignment_error_rate, as it is run."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent / "scripts" / "alignment_error_rate.py"


def error_rate(directory: Path, *arguments: str) -> tuple[int, str]:
    process = subprocess.run(
        [sys.executable, SCRIPT, *arguments],
        capture_output=True,
        text=True,
        cwd=directory,
    )
    return process.returncode, process.stdout + process.stderr


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for name, text in {
        "found": "0-0 1-1 0-1\n\n2-2\n",
        "gold": "0-0 1-1\n0-0\n2-2\n",
        "de": "a b\nc\nd\n",
        "reference": "a b\nx\nd\n",
        "short": "0-0\n",
        "wrong": "0-0\n0-0 1:1\n\n",
    }.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_it_counts_links_over_all_lines_or_those_with_equal_texts(files: Path) -> None:
    # 3 of 4 found links are right, 3 of 4 sure ones found: 1 - 2 * 3 / (4 + 4).
    assert error_rate(files, "found", "gold") == (
        0,
        "AER 0.250, precision 0.750, recall 0.750; 3 of 3 lines\n",
    )
    # Without the second line: 1 - 2 * 3 / (4 + 3).
    assert error_rate(files, "found", "gold", "--where", "de", "reference") == (
        0,
        "AER 0.143, precision 0.750, recall 1.000; 2 of 3 lines\n",
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("found", "short"), "short: 1 lines, but found has 3"),
        (("wrong", "gold"), "wrong:2: '1:1' is no link"),
        (("found", "nowhere"), "nowhere: no such file"),
        (("short", "short", "--where", "short", "found"), "found: 3 lines, but short"),
    ],
)
def test_a_mistake_is_one_message(
    files: Path, arguments: tuple[str, ...], message: str
) -> None:
    code, said = error_rate(files, *arguments)
    assert code == 1 and said.startswith(f"alignment_error_rate: {message}")
    assert said.count("\n") == 1
