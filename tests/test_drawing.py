"""Pictures of attention: what is drawn where, in which fonts, and nothing said."""

import io
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib import font_manager, image
from matplotlib.ft2font import FT2Font

from nmt import drawing
from nmt.drawing import FORMATS, draw_attention

SOURCE, TARGET = ["a", "$x_1$", "<b>&"], ["\u05e9\u05dc\u05d5\u05dd", "B\u00e4r"]
WEIGHTS = np.array([[0.0, 1.0, 0.0, 0.0], [0.5, 0.0, 0.0, 0.5]])
NOBODY_HAS = "\U000e0fff\U0010fffd"  # unassigned, and for private use


def texts(svg: bytes) -> list[str]:
    tree = ElementTree.fromstring(svg)
    return [node.text or "" for node in tree.iter("{http://www.w3.org/2000/svg}text")]


def test_an_svg_has_the_words_as_text_and_the_weights_as_shades() -> None:
    svg = draw_attention(WEIGHTS, SOURCE, TARGET, "svg").content
    assert texts(svg) == [*SOURCE, "end", *TARGET]
    shades = re.findall(rb'style="(?:fill: #(..)\1\1; )?stroke', svg)
    # Row by row, the more attention the darker; black is not written.
    darkness = 255 - np.array([int(shade or b"0", 16) for shade in shades])
    np.testing.assert_array_equal(
        np.argsort(darkness, kind="stable"), np.argsort(WEIGHTS.ravel(), kind="stable")
    )
    assert darkness.min() == 0 and darkness.max() == 255


@pytest.mark.parametrize("format", FORMATS)
def test_equal_attention_is_an_equal_picture(format: str) -> None:
    first, second = (draw_attention(WEIGHTS, SOURCE, TARGET, format) for _ in range(2))
    assert first == second
    signs = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}
    assert first.content.startswith(signs[format])


def test_a_picture_grows_with_the_sentence_and_keeps_its_cells() -> None:
    def size(words: int) -> np.ndarray:
        weights = np.eye(words, words + 1)
        names = ["word"] * words
        png = draw_attention(weights, names, names, "png").content
        return np.array(image.imread(io.BytesIO(png)).shape[:2])

    cell = drawing.CELL * drawing.PIXELS_PER_INCH
    np.testing.assert_allclose(size(40) - size(10), 30 * cell, atol=2)


@pytest.mark.parametrize("format", FORMATS)
def test_characters_that_no_font_has_are_told_and_drawn_as_boxes(
    format: str, capfd: pytest.CaptureFixture[str]
) -> None:
    found = draw_attention(WEIGHTS, ["a", NOBODY_HAS, "b"], TARGET, format)
    assert found.missing == NOBODY_HAS
    assert capfd.readouterr() == ("", "")  # and warnings are errors
    if format == "svg":  # whose viewer may have the font
        assert NOBODY_HAS in texts(found.content)
    else:
        box = "\N{WHITE SQUARE}" * 2
        assert (
            found.content
            == draw_attention(WEIGHTS, ["a", box, "b"], TARGET, format).content
        )


def test_a_font_of_the_system_is_taken_where_the_usual_one_lacks_a_character(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    usual, other = (
        font_manager.findfont(name) for name in ("DejaVu Sans Mono", "STIXGeneral")
    )
    characters = [set(FT2Font(path).get_charmap()) for path in (usual, other)]
    word = "".join(map(chr, sorted(characters[1] - characters[0])[-2:]))
    monkeypatch.setattr(drawing, "FONT", "DejaVu Sans Mono")

    def missing_with(*fonts: str) -> str:
        monkeypatch.setattr(drawing, "_FOUND", {})
        monkeypatch.setattr(font_manager, "findSystemFonts", lambda: list(fonts))
        return draw_attention(WEIGHTS[:1], [word, "a", "b"], ["c"], "png").missing

    assert missing_with(usual, __file__, str(Path(__file__).parent)) == word
    assert missing_with(usual, other) == ""
    # What was found once is not looked for again: opening all fonts takes seconds.
    known = list(font_manager.fontManager.ttflist)
    monkeypatch.setattr(font_manager, "findSystemFonts", None)
    assert draw_attention(WEIGHTS[:1], [word, "a", "b"], ["c"], "png").missing == ""
    assert font_manager.fontManager.ttflist == known


def test_what_is_no_text_is_drawn_as_such_and_long_words_are_shortened() -> None:
    words = ["nul\0\x1b\ufffe\uffff", "a" * 5000, "e\u0301\u200d"]
    found = draw_attention(WEIGHTS, words, [" \u00a0", " a"], "svg")
    shown = texts(found.content)
    assert shown[0] == "nul" + "\N{REPLACEMENT CHARACTER}" * 4
    assert re.fullmatch("a{16}\N{HORIZONTAL ELLIPSIS}a{16}", shown[1])
    assert (shown[2], found.missing) == ("e\u0301\u200d", "")
    assert shown[-2:] == ["\N{OPEN BOX}", "a"]
