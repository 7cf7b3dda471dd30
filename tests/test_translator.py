"""Lines to lines, with a search that answers every sentence by its ids reversed."""

import io
import json
import os
from collections.abc import Sequence
from itertools import accumulate, islice, pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nmt import translation, translator
from nmt.decoding import Hypothesis
from nmt.errors import DataError
from nmt.search_settings import Beam, Greedy, Search
from nmt.text import LONGEST_LINE, read_lines_leniently
from nmt.tokenizer import NUM_SPECIAL
from nmt.translator import Translator, as_json, as_nbest_text, as_text

RESPELT_E = 0x1FFFF


class Characters:
    """A tokenizer that knows every character; "e" has another spelling."""

    vocab_size = NUM_SPECIAL  # what there may be in bytes: nothing

    def encode(self, lines: Sequence[str]) -> list[list[int]]:
        return [[NUM_SPECIAL + ord(character) for character in line] for line in lines]

    def decode(self, ids: Sequence[Sequence[int]]) -> list[str]:
        return ["".join(self.pieces(sentence)) for sentence in ids]

    def decoded_spans(self, ids: Sequence[int]) -> list[tuple[int, int]]:
        lengths = [len(piece.encode()) for piece in self.pieces(ids)]
        return list(pairwise(accumulate(lengths, initial=0)))

    def pieces(self, ids: Sequence[int]) -> list[str]:
        return ["e" if id == RESPELT_E else chr(id - NUM_SPECIAL) for id in ids]


def reverse(
    model: Any,
    sources: Sequence[list[int]],
    search: Search,
    batch_size: int,
    prefixes: Sequence[Sequence[int]],
) -> list[list[Hypothesis]]:
    """The reversed ids; as further hypotheses the other spelling, then the source."""
    assert all(sources), "the model is asked for sentences with content"
    answers = []
    for ids, prefix in zip(sources, prefixes, strict=True):
        backwards = [*prefix, *ids[::-1]]
        e = NUM_SPECIAL + ord("e")
        respelt = [RESPELT_E if id == e else id for id in backwards]
        candidates = [
            Hypothesis(
                ids=answer, log_prob=-2.0 - rank, score=-0.5 - rank, finished=True
            )
            for rank, answer in enumerate([backwards, respelt, ids])
        ]
        answers.append(candidates[: search.nbest if isinstance(search, Beam) else 1])
    return answers


@pytest.fixture(autouse=True, scope="module")
def reversing_search() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(translation, "decode", reverse)
        yield


CHARACTERS: Any = SimpleNamespace(source=Characters(), target=Characters())
NO_MODEL: Any = None
TRANSLATOR = Translator(NO_MODEL, CHARACTERS, Greedy())


class Trickle(io.BytesIO):
    """A stream that delivers a few bytes at a time, as a slow pipe would."""

    def __init__(self, content: bytes, sizes: Sequence[int]) -> None:
        super().__init__(content)
        self.sizes = list(sizes)

    def read1(self, size: int | None = -1, /) -> bytes:
        return super().read1(self.sizes.pop() if self.sizes else size)


def translate_bytes(content: bytes) -> list[str]:
    stream = io.BytesIO(content)
    return [
        as_text(0, translated)
        for translated in translator.translate_stream(TRANSLATOR.translate, stream)
    ]


lines_of_text = st.text(st.characters(exclude_characters="\n", codec="utf-8")).filter(
    lambda line: not line.endswith("\r") and not line.startswith("\ufeff")
)


@given(
    lines=st.lists(lines_of_text),
    line_end=st.sampled_from(["\n", "\r\n"]),
    sizes=st.lists(st.integers(1, 9)),
    ended=st.booleans(),
)
def test_n_lines_in_are_n_lines_out_in_order(
    lines: list[str], line_end: str, sizes: list[int], ended: bool
) -> None:
    text = "".join(line + line_end for line in lines)
    if not ended and lines and lines[-1]:
        text = text.removesuffix(line_end)
    output = "".join(
        as_text(index, translated) + "\n"
        for index, translated in enumerate(
            translator.translate_stream(
                TRANSLATOR.translate, Trickle(text.encode(), sizes)
            )
        )
    )
    expected = [
        "" if line.isspace() else line[::-1].replace("\r", " ") for line in lines
    ]
    assert list(read_lines_leniently(io.BytesIO(output.encode()))) == expected


class EndlessLine(io.BytesIO):
    """A line without end, as a small .gz can hold; `taken` bytes of it were read."""

    taken = 0

    def read1(self, size: int | None = -1, /) -> bytes:
        self.taken += 1 << 16
        return bytes(1 << 16)


def test_a_line_without_end_is_refused_before_it_fills_the_memory() -> None:
    stream = EndlessLine()
    answers = translator.translate_stream(TRANSLATOR.translate, stream)
    with pytest.raises(DataError, match="cannot be a sentence"):
        next(answers)
    assert stream.taken <= LONGEST_LINE + (2 << 16)


@pytest.mark.parametrize(
    "content, expected",
    [
        (b"", []),
        (b"\n", [""]),
        (b"\r\n\n", ["", ""]),
        (b"ab\n\ncd", ["ba", "", "dc"]),
        ("a\u2028b\u0085c\td\0e\n".encode(), ["e\0d\tc\u0085b\u2028a"]),
        (b" \t \n" + "\u3000\n".encode(), ["", ""]),
        (b"\xef\xbb\xbfab\n\xef\xbb\xbfcd\n", ["ba", "dc\ufeff"]),
        (b"a\xffb\n", ["b\ufffda"]),
        (b"ab" * 100_000 + b"\nc\n", ["ba" * 100_000, "c"]),
    ],
)
def test_awkward_lines_stay_lines(content: bytes, expected: list[str]) -> None:
    assert translate_bytes(content) == expected


def test_a_pause_of_the_input_holds_no_whole_line_back() -> None:
    reading, writing = os.pipe()
    # A read that would wait finds the end instead: the test fails, and does not hang.
    os.set_blocking(reading, False)
    with open(reading, "rb") as stream, open(writing, "wb", buffering=0) as pipe:
        arriving = (
            as_text(0, translated)
            for translated in translator.translate_stream(TRANSLATOR.translate, stream)
        )
        pipe.write(b"ab\ncd\nunfin")
        assert list(islice(arriving, 2)) == ["ba", "dc"]
        pipe.write(b"ished\n")
        assert next(arriving) == "unfinished"[::-1]


def test_no_more_is_read_than_is_translated_next() -> None:
    class Endless(io.BufferedIOBase):
        delivered = 0

        def read1(self, size: int = -1, /) -> bytes:
            self.delivered += size
            return b"A dog runs .\n" * (size // 13)

    stream: Any = Endless()
    arriving = translator.translate_stream(TRANSLATOR.translate, stream)
    for translated, _ in zip(arriving, range(10_000), strict=False):
        assert translated.source == "A dog runs ."
    assert stream.delivered <= 10_000 * 13 + translator.BURST_BYTES


def test_blank_lines_never_reach_the_model() -> None:
    for translated in TRANSLATOR.translate(["", "  ", "\u2028"]):
        [empty] = translated.hypotheses
        assert (empty.text, empty.score, empty.log_prob, empty.tokens) == ("", 0, 0, [])


def test_a_generated_line_end_becomes_a_space() -> None:
    [translated] = TRANSLATOR.translate(["a\nb\rc"])
    assert translated.hypotheses[0].text == "c b a"


def test_nbest_texts_are_distinct_and_the_best_of_each_is_kept() -> None:
    for nbest in (3, 2):
        search = Beam(beam_size=3, nbest=nbest)
        [translated] = TRANSLATOR.translate(["hey"], search)
        found = [(best.text, best.score) for best in translated.hypotheses]
        assert found == [("yeh", -0.5), ("hey", -2.5)]
    assert len(TRANSLATOR.translate(["hey"])[0].hypotheses) == 1


def test_nbest_lines_are_those_of_moses() -> None:
    search = Beam(beam_size=3, nbest=2)
    hey, nothing = TRANSLATOR.translate(["hey", ""], search)
    assert as_nbest_text(7, hey).split("\n") == [
        "7 ||| yeh ||| -0.500000",
        "7 ||| hey ||| -2.500000",
    ]
    assert as_nbest_text(8, nothing) == "8 |||  ||| 0.000000"


def test_a_json_line_holds_source_and_hypotheses() -> None:
    [translated] = TRANSLATOR.translate(["\u00fc\0\u2028"])
    line = as_json(0, translated)
    assert "\n" not in line and "\u00fc" in line
    assert json.loads(line) == {
        "source": "\u00fc\0\u2028",
        "hypotheses": [
            {
                "text": "\u2028\0\u00fc",
                "score": -0.5,
                "log_prob": -2.0,
                "tokens": ["\u2028", "\0", "\u00fc"],
                "alignment": [],
            }
        ],
    }


def test_prefixes_go_with_their_lines_and_are_as_many(tmp_path: Path) -> None:
    stream = io.BytesIO(b"ab\n\ncd\n")
    prefixes = tmp_path / "prefixes"
    prefixes.write_text("x\ny\n\n")
    answers = translator.translate_stream(TRANSLATOR.translate, stream, prefixes)
    assert [as_text(0, answer) for answer in answers] == ["xba", "", "dc"]
    for wrong, says in ("\n", "prefixes: fewer lines"), ("\n" * 3, "prefixes:3: more"):
        prefixes.write_text(wrong)
        answers = translator.translate_stream(
            TRANSLATOR.translate, io.BytesIO(b"ab\ncd\n"), prefixes
        )
        with pytest.raises(DataError, match=says):
            list(answers)
    with pytest.raises(ValueError, match="1 prefixes for 2 lines"):
        TRANSLATOR.translate(["a", "b"], prefixes=["c"])
