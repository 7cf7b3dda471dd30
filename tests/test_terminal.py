"""What a terminal shows: no line is broken by its width, whatever the script."""

import logging
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tqdm import tqdm

from nmt.terminal import (
    MAY_BE_CUT,
    Bar,
    TerminalHandler,
    Verbosity,
    bar_of_lines,
    cut,
)


@pytest.mark.parametrize(
    ("line", "columns", "shown"),
    [
        ("short", 5, "short"),
        ("longer", 5, "long\N{HORIZONTAL ELLIPSIS}"),
        ("\u65e5\u672c\u8a9e", 6, "\u65e5\u672c\u8a9e"),  # two columns each
        ("\u65e5\u672c\u8a9e", 5, "\u65e5\u672c\N{HORIZONTAL ELLIPSIS}"),
        ("\u65e5\u672c\u8a9e", 4, "\u65e5\N{HORIZONTAL ELLIPSIS}"),
        ("e\u0301" * 5, 5, "e\u0301" * 5),  # an accent has no column of its own
        ("e\u0301" * 6, 5, "e\u0301" * 4 + "\N{HORIZONTAL ELLIPSIS}"),
        ("\u0645\u064e\u062b\u0627\u0644", 4, "\u0645\u064e\u062b\u0627\u0644"),
        ("", 5, ""),
    ],
)
def test_a_line_is_cut_by_the_columns_it_takes(
    line: str, columns: int, shown: str
) -> None:
    assert cut(line, columns) == shown


@given(st.text("a\u65e5e\u0301 \u0645"), st.integers(2, 20))
def test_a_cut_line_fits_and_is_cut_only_where_it_must_be(
    line: str, columns: int
) -> None:
    def width(text: str) -> int:
        return sum({"\u65e5": 2, "\u0301": 0}.get(letter, 1) for letter in text)

    shown = cut(line, columns)
    assert width(shown) <= columns
    assert shown == line or (
        width(line) > columns and shown[:-1] == line[: len(shown) - 1]
    )


LEVELS = [logging.DEBUG, logging.INFO, logging.WARNING]


@pytest.mark.parametrize("is_terminal", [False, True])
@pytest.mark.parametrize("verbosity", Verbosity)
def test_verbosity_says_what_is_shown(
    verbosity: Verbosity,
    is_terminal: bool,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: is_terminal)
    handler, bar = TerminalHandler(verbosity), Bar(verbosity)
    with bar.instead("preparing"):
        pass
    bar.begin("epoch 1/2", 10, 0)
    bar.advance(5)
    bar.show("loss 1.0, wait 50%")
    for level in LEVELS:
        if level >= handler.level:
            handler.emit(logging.makeLogRecord({"msg": f"<{level}>", "levelno": level}))
    bar.end()
    shown = capsys.readouterr().err
    updates_have_lines = verbosity is Verbosity.VERBOSE or not is_terminal
    quiet = verbosity is Verbosity.QUIET
    assert [f"<{level}>" in shown for level in LEVELS] == [
        updates_have_lines and not quiet,
        not quiet,
        True,
    ]
    assert ("epoch 1/2" in shown) == (is_terminal and not quiet)
    assert ("preparing ..." in shown) == (is_terminal and not quiet)


def test_a_bar_of_lines_goes_on_where_there_are_more_than_were_counted(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setattr("nmt.terminal.tqdm", partial(tqdm, mininterval=0, miniters=1))
    with bar_of_lines("translating", 2000) as advance:
        for _ in range(3):
            advance(1000)
    shown = capsys.readouterr().err
    assert "| 2,000 of 2,000 lines, " in shown
    assert "| 3,000 of 2,000 lines, " in shown


def test_at_a_terminal_examples_are_cut_and_messages_broken_between_words(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "word " * 30 + "end"
    record = logging.makeLogRecord({"msg": text})
    example = logging.makeLogRecord({"msg": text, MAY_BE_CUT: True})
    for is_terminal in (True, False):
        monkeypatch.setattr("sys.stderr.isatty", lambda: is_terminal)  # noqa: B023
        handler = TerminalHandler(Verbosity.NORMAL)
        for one in (record, example):
            handler.emit(one)
        lines = capsys.readouterr().err.splitlines()
        if is_terminal:  # 80 columns, since capsys has none of its own
            *wrapped, last = lines
            assert " ".join(map(str.strip, wrapped)) == text
            assert all(len(line) <= 80 for line in wrapped) and len(wrapped) == 2
            assert last == text[:79] + "\N{HORIZONTAL ELLIPSIS}"
        else:
            assert lines == [text, text]
