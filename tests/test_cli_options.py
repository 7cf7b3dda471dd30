"""What commands share: a bar of lines at a terminal, where it is not in the way."""

from pathlib import Path

import pytest
from command_line import Shouting

from nmt import cli, cli_scoring


@pytest.mark.parametrize("terminals", ["", "stdout", "stderr", "stdout stderr"])
@pytest.mark.parametrize(
    "command", ["translate", "translate --output", "score", "evaluate"]
)
def test_a_bar_of_lines_is_shown_at_a_terminal_but_not_beside_results(
    command: str,
    terminals: str,
    shouting: Shouting,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cli_scoring, "PAIRS_AT_ONCE", 2)
    for stream in ("stdout", "stderr"):
        monkeypatch.setattr(
            f"sys.{stream}.isatty", lambda is_one=stream in terminals: is_one
        )
    text = tmp_path / "text"
    text.write_text("a\n\nb\n")
    options = {
        "translate": ["--input", text],
        "translate --output": ["--input", text, "--output", tmp_path / "output"],
        "score": ["--source", text, "--target", text],
        "evaluate": ["--source", text, "--reference", text],
    }[command]
    call = [command.split()[0], "--ckpt", "x", *map(str, options)]
    cli.main(call, standalone_mode=False)
    printed, shown = capsys.readouterr()
    results_at_once = command in ("translate", "score")
    if "stderr" in terminals and not (results_at_once and "stdout" in terminals):
        doing = "scoring" if command == "score" else "translating"
        assert f"{doing}   0%|" in shown
        assert not shown.rpartition("\r")[2].strip()  # nothing is left of it
    else:
        assert shown == ""
    assert bool(printed) == (command != "translate --output")


def test_lines_of_standard_input_have_no_bar(
    shouting: Shouting,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    text = tmp_path / "text"
    text.write_text("a\n")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with text.open() as stream:
        monkeypatch.setattr("sys.stdin", stream)
        cli.main(["translate", "--ckpt", "x"], standalone_mode=False)
    assert capsys.readouterr() == ("A\n", "")
