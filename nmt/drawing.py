"""Attention as a picture: Bahdanau et al. 2015, figure 3, in any script.

Knows nothing of models or tokens: a picture is of weights and of the words beside them.
"""

import io
import re
import unicodedata
import warnings
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import font_manager, ft2font, rc_context
from matplotlib.figure import Figure

Array = np.ndarray[Any, np.dtype[np.floating]]

FORMATS = ("png", "svg", "pdf")
# More words than this on a side are no picture any more, and gigabytes of pixels.
MOST_PARTS = 200

FONT = "DejaVu Sans"  # matplotlib brings it along
FONT_SIZE = 10.0  # points
CELL = 0.26  # inches
LONGEST_LABEL = 32  # characters; the middle of longer ones is left out
PIXELS_PER_INCH = 150
INK, PALE = "#1a1a1a", "#9a9a9a"
GRID = "#ececec"
END = "end"  # the column for what no word got


@dataclass(frozen=True)
class Drawing:
    """The bytes of a picture, and the characters that no installed font has."""

    content: bytes
    missing: str


def draw_attention(
    weights: Array, source: Sequence[str], target: Sequence[str], format: str
) -> Drawing:
    """Source words from left to right, target words from top to bottom.

    weights: [target words, source words + 1], 0 white and 1 black, the last column
    being the end of the source sentence. An SVG keeps its text as text, so that its
    viewer's fonts show what none that is installed here has.
    """
    across = [*map(_label, source), END]
    down = [_label(word) for word in target]
    style, missing = style_for("".join([*across, *down]))
    if format != "svg":
        across = [_shown(label, missing) for label in across]
        down = [_shown(label, missing) for label in down]
    with rc_context(style):
        content = render(_figure(weights, across, down), format, pad_inches=0.15)
    return Drawing(content, "".join(sorted(missing)))


def style_for(text: str) -> tuple[dict[Any, Any], set[str]]:
    """matplotlib's settings to draw the text with; its characters that no font has."""
    fonts, missing = _fonts_for(text)
    style = {
        # The last is for who sees an SVG where these fonts are not installed.
        "font.family": [*fonts, "sans-serif"],
        "font.sans-serif": [FONT],
        "font.size": FONT_SIZE,
        "svg.fonttype": "none",
        "svg.hashsalt": "nmt",  # equal drawings are equal files
        "pdf.fonttype": 42,
    }
    return style, missing


def render(figure: Figure, format: str, *, pad_inches: float) -> bytes:
    """The file of a figure, cut to what is drawn; equal figures are equal files."""
    picture = io.BytesIO()
    dates = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {}}
    # The words that only the viewer of an SVG can draw are measured all the same.
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        figure.savefig(
            picture,
            format=format,
            dpi=PIXELS_PER_INCH,
            metadata=dates[format],
            bbox_inches="tight",
            pad_inches=pad_inches,
        )
    return picture.getvalue()


def _figure(weights: Array, across: Sequence[str], down: Sequence[str]) -> Figure:
    rows, columns = weights.shape
    figure = Figure(figsize=(columns * CELL, rows * CELL), facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1))
    edges = np.arange(columns + 1), np.arange(rows + 1)
    axes.pcolormesh(
        *edges, weights, cmap="Greys", vmin=0, vmax=1, edgecolor=GRID, linewidth=0.5
    )
    axes.set(xlim=(-0.05, columns + 0.05), ylim=(rows + 0.05, -0.05))
    axes.set_axis_off()
    # parse_math: a dollar sign is text.
    text: dict[str, Any] = {"parse_math": False, "rotation_mode": "anchor"}
    for column, label in enumerate(across):
        color = PALE if column == columns - 1 else INK
        axes.text(
            column + 0.6, -0.25, label, rotation=55, ha="left", color=color, **text
        )
    for row, label in enumerate(down):
        axes.text(
            -0.35, row + 0.5, label, ha="right", va="center_baseline", color=INK, **text
        )
    return figure


def _label(word: str) -> str:
    """The word, without what is no text, and shortened where it is very long."""
    # Controls, and what XML, so an SVG, may not have besides.
    word = re.sub("[\0-\x1f\x7f-\x9f\ufffe\uffff]", "\ufffd", word.strip())
    if not word:
        return "\N{OPEN BOX}"
    if len(word) <= LONGEST_LABEL:
        return word
    half = LONGEST_LABEL // 2
    return f"{word[:half]}\N{HORIZONTAL ELLIPSIS}{word[-half:]}"


def _shown(label: str, missing: Iterable[str]) -> str:
    """The label with a box for each character that no font has."""
    if not missing:
        return label
    return re.sub(f"[{re.escape(''.join(missing))}]", "\N{WHITE SQUARE}", label)


def _fonts_for(text: str) -> tuple[list[str], set[str]]:
    """Families that have the characters of the text between them; what none has.

    matplotlib takes each character from the first of the families that has it.
    """
    own = _characters(ft2font.FT2Font(font_manager.findfont(FONT)))
    others = set(text) - own
    _look_for(others - _FOUND.keys())
    found = {place for character in others if (place := _FOUND[character])}
    families = [FONT, *(family for *_, family in sorted(found))]
    missing = {character for character in others if _FOUND[character] is None}
    # Joiners, and variants of emoji: seen by their effect, or not at all.
    unseen = {letter for letter in missing if unicodedata.category(letter) == "Cf"}
    return families, missing - unseen - set(map(chr, range(0xFE00, 0xFE10)))


# Of each character that was looked for, what draws it: the first font of the system
# that has it, as (its place in their order, its family). A run draws at each
# validation, and opening all the fonts of a machine takes seconds.
_FOUND: dict[str, tuple[bool, str, str] | None] = {}


def _look_for(characters: set[str]) -> None:
    """Finds who draws these characters."""
    if not characters:
        return
    missing = set(characters)
    # The system's own list, since matplotlib's may be from before an installation.
    for path in sorted(font_manager.findSystemFonts(), key=_bold_or_italic):
        with suppress(OSError, RuntimeError):
            font = ft2font.FT2Font(path)
            if here := missing & _characters(font):
                place = (*_bold_or_italic(path), font.family_name)
                if place not in _FOUND.values():
                    font_manager.fontManager.addfont(path)
                _FOUND.update(dict.fromkeys(here, place))
                missing -= here
        if not missing:
            return
    _FOUND.update(dict.fromkeys(missing))


def _bold_or_italic(path: str) -> tuple[bool, str]:
    return re.search("bold|italic|oblique", path.lower()) is not None, path


def _characters(font: ft2font.FT2Font) -> set[str]:
    # Fonts of pictures, such as colour emoji, cannot be drawn in any size.
    return set(map(chr, font.get_charmap())) if font.scalable else set()
