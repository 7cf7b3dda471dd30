"""Word alignments, against their definitions counted out by hand."""

import random

import numpy as np
import pytest

from nmt.alignment import (
    LEAST_GIVEN,
    LEAST_RECEIVED,
    Array,
    Link,
    Segmented,
    Span,
    alignment_error_rate,
    attention_of_parts,
    links,
    links_of_line,
    pharaoh_line,
)

AWKWARD = [
    *("", " ", "  two  spaces  ", "\ttab", "nul\0nul", "a\u2028b\x85c", "\x1fa\x1c"),
    *("e\u0301 o\u0308", "\u4f60\u597d \u00a0x", "\U0001f469\u200d\U0001f467 \u2581a"),
]


def align(attention: Array, source: Segmented, target: Segmented) -> list[Link]:
    """The links between all words of two texts."""
    return links(
        attention_of_parts(
            attention, source.spans, source.words(), target.spans, target.words()
        )
    )


def spans_of(text: str, tokens: list[str]) -> list[Span]:
    assert "".join(tokens) == text
    ends = np.cumsum([len(token.encode()) for token in tokens]).tolist()
    return list(zip([0, *ends[:-1]], ends, strict=True))


def random_segmentation(text: str, choice: random.Random) -> list[Span]:
    """Tokens between random characters; the bytes of some characters on their own."""
    spans: list[Span] = []
    begin = place = 0
    for character in text:
        place += len(character.encode())
        if choice.random() < 0.6:
            spans += [(begin, begin)] * choice.choice((0, 0, 1, 3)) + [(begin, place)]
            begin = place
    return [*spans, (begin, place)] if begin < place else spans


def membership(tokens: list[Span], words: list[Span]) -> np.ndarray:
    """[tokens, words]: 1 where they share a byte, or where a word is the next one."""
    shared = np.array(
        [[max(a, c) < min(b, d) for c, d in words] for a, b in tokens], float
    ).reshape(len(tokens), len(words))
    for token, (begin, _) in enumerate(tokens):
        following = [word for word, (_, end) in enumerate(words) if begin < end]
        if not shared[token].any() and following:
            shared[token, following[0]] = 1
    return shared


def random_attention(rows: int, columns: int) -> np.ndarray:
    random_numbers = np.random.default_rng(rows * 1000 + columns)
    return random_numbers.dirichlet(np.full(columns, 0.3), rows)


@pytest.mark.parametrize("text", AWKWARD)
def test_words_are_those_of_split(text: str) -> None:
    segmented = Segmented(text, [])
    assert segmented.texts(segmented.words()) == text.split()


def test_a_word_gets_the_sum_over_its_tokens_and_gives_the_mean() -> None:
    choice = random.Random(1)
    letters = "ab\u00e4\u4f60\U0001f600" + "  \t"
    for _ in range(200):
        texts = ["".join(choice.choices(letters, k=choice.randrange(12))) for _ in "ab"]
        source, target = (
            Segmented(text, random_segmentation(text, choice)) for text in texts
        )
        attention = random_attention(len(target.spans) + 1, len(source.spans) + 1)
        found = attention_of_parts(
            attention, source.spans, source.words(), target.spans, target.words()
        )

        columns = membership(list(source.spans), source.words())
        columns = np.pad(columns, ((0, 1), (0, 1)))
        columns[columns.sum(1) == 0, -1] = 1  # no word's: the last column
        columns /= columns.sum(1, keepdims=True)
        rows = membership(list(target.spans), target.words())
        expected = (rows / rows.sum(0)).T @ attention[:-1] @ columns
        np.testing.assert_allclose(found, expected, atol=1e-12)
        np.testing.assert_allclose(found.sum(1), 1)


def test_subwords_are_tokens_that_can_be_read() -> None:
    text = "ab \U0001f600c"
    tokens = [(0, 1), (1, 2), (2, 3), (3, 3), (3, 3), (3, 3), (3, 7), (7, 8)]
    segmented = Segmented(text, tokens)
    assert segmented.texts(segmented.subwords()) == ["a", "b", " ", "\U0001f600", "c"]


def test_a_link_is_the_most_that_a_word_gives_or_receives_if_it_is_enough() -> None:
    for number in range(100):
        weights = random_attention(1 + number % 7, 2 + number % 5)
        words = weights[:, :-1]
        expected = {
            (column, row)
            for (row, column), weight in np.ndenumerate(words)
            if (weight == words[row].max() and weight >= LEAST_GIVEN)
            or (weight == words[:, column].max() and weight >= LEAST_RECEIVED)
        }
        found = links(weights)
        assert set(found) == expected
        assert found == sorted(expected, key=lambda link: link[::-1])


def test_one_word_for_two_is_linked_to_both_and_a_reordering_is_followed() -> None:
    source = Segmented(
        "in the garden", spans_of("in the garden", ["in", " the", " garden"])
    )
    target = Segmented("Garten im", spans_of("Garten im", ["Gar", "ten", " im"]))
    attention = np.array(
        [[0.1, 0.1, 0.7, 0.1], [0.0, 0.1, 0.8, 0.1], [0.5, 0.4, 0.0, 0.1], [0, 0, 0, 1]]
    )
    assert align(attention, source, target) == [(2, 0), (0, 1), (1, 1)]


def test_a_text_without_words_has_no_links() -> None:
    empty, blank = Segmented("", []), Segmented("  ", [(0, 1), (1, 2)])
    word = Segmented("a", [(0, 1)])
    for source in (empty, blank, word):
        for target in (empty, blank, word):
            shape = len(target.spans) + 1, len(source.spans) + 1
            found = align(np.full(shape, 1 / shape[1]), source, target)
            assert found == ([(0, 0)] if source is target is word else [])
            assert pharaoh_line(found) == ("0-0" if found else "")


def test_pharaoh_lines_are_read_as_they_were_written() -> None:
    found = [(2, 0), (0, 1), (11, 1)]
    assert pharaoh_line(found) == "2-0 0-1 11-1"
    assert links_of_line(pharaoh_line(found)) == found
    assert links_of_line("") == []
    for wrong in ("0", "0-", "1-2-3", "-1-2", "a-b", "\u0663-1"):
        with pytest.raises(ValueError, match="is no link"):
            links_of_line(f"0-0 {wrong}")


def test_the_error_rate_is_0_for_what_is_right_and_1_for_what_is_not() -> None:
    sure = [[(0, 0), (1, 1)], [(0, 0)], []]
    assert alignment_error_rate(sure, sure) == 0
    assert alignment_error_rate([[(0, 1)], [], [(0, 0)]], sure) == 1
    # Of 3 found and 3 sure links, 2 agree.
    found = [[(0, 0), (1, 1), (0, 1)], [], []]
    assert alignment_error_rate(found, sure) == pytest.approx(1 - (2 + 2) / (3 + 3))
