"""What the model does not know of a line is copied to where its attention says."""

import numpy as np
import pytest
from conftest import Toy

from nmt.alignment import Array
from nmt.config import TextPair, TokenizerConfig
from nmt.copying import Copy, Reading, insert_copies, read
from nmt.tokenizer import UNK, Tokenizer, train_tokenizers

DOG, FAMILY, HEART = "\U0001f415", "\U0001f469\u200d\U0001f467", "\u2764\ufe0f"
SPACE = "\u2581"  # as sentencepiece spells it
IVAN, LODZ = "\u0418\u0432\u0430\u043d", "\u0141\u00f3d\u017a"


def trained(toy: Toy, type: str, line: str = "ba, ce. (di) fo! gu? ha 5") -> Tokenizer:
    text = toy.directory / f"text.{type}"
    text.write_text(f"{line}\n" * 9)
    pair = TextPair(source=text, target=text)
    config = TokenizerConfig.model_validate({"type": type, "vocab_size": 300})
    return train_tokenizers(config, [pair]).source


@pytest.fixture(scope="module")
def subwords(toy: Toy) -> Tokenizer:
    return trained(toy, "bpe")


@pytest.fixture(scope="module")
def whole_words(toy: Toy) -> Tokenizer:
    return trained(toy, "word")


@pytest.fixture(scope="module")
def chinese(toy: Toy) -> Tokenizer:
    return trained(toy, "unigram", "\u4eca\u5929\u53bb\u5b66\uff0c\u770b\u4e66\u3002")


@pytest.mark.parametrize(
    "line, text, copies",
    [
        ("ba ce", "ba ce", []),
        # A word with unknown letters leaves a gap, with the marks at its ends.
        (f"ba {IVAN} ce", "ba  ce", [Copy(1, IVAN, True)]),
        (f"ba ({LODZ}), ce", "ba (), ce", [Copy(1, LODZ, True)]),
        (f"{IVAN}.", "", [Copy(0, IVAN, True)]),
        # Signs leave nothing.
        (f"ba {DOG} ce", "ba ce", [Copy(1, DOG, False)]),
        (
            f"{FAMILY} ba {HEART}.",
            "ba.",
            [Copy(0, FAMILY, False), Copy(2, HEART, False)],
        ),
        ("ba \u2014 ce", "ba ce", [Copy(1, "\u2014", False)]),
        (
            f"{DOG} {DOG} {HEART} ba {DOG} {DOG} ce",
            "ba ce",
            [Copy(word, text, False) for word, text in enumerate((DOG, DOG, HEART))]
            + [Copy(4, DOG, False), Copy(5, DOG, False)],
        ),
        # But for the blank between what is read: one of several, or one behind marks.
        (f"{DOG}  ba", " ba", [Copy(0, DOG, False)]),
        (f"{DOG}. ba", ". ba", [Copy(0, DOG, False)]),
        (f"{DOG} {DOG}! ba", "! ba", [Copy(0, DOG, False), Copy(1, DOG, False)]),
        (f"({DOG} ba)", "(ba)", [Copy(0, DOG, False)]),
        (f"{IVAN} {DOG} ba", " ba", [Copy(0, IVAN, True), Copy(1, DOG, False)]),
        # A part of a word stays a part of it.
        (f"ba{DOG}. ce", "ba. ce", [Copy(0, DOG, False, 1)]),
        ("\u20ac5", "5", [Copy(0, "\u20ac", False, -1)]),
        # An accent of its own is left out of a word, but copied with a letter.
        ("ba\u0301 ce", "ba ce", []),
        (f"ba\u0301{DOG}", "ba", [Copy(0, DOG, False, 1)]),
        ("z\u0301a ce", " ce", [Copy(0, "z\u0301a", True)]),
        # Punctuation and blanks that are unknown are no reason to copy a word.
        ("\u201cba\u201d c\u2019e", "ba ce", []),
        ("ba\u3000ce\t", "ba ce ", []),
    ],
)
def test_the_model_reads_what_its_tokenizer_knows(
    subwords: Tokenizer, line: str, text: str, copies: list[Copy]
) -> None:
    [reading] = read(subwords, [line])
    legible = any(character.isalnum() for character in text)
    assert reading.ids == (subwords.encode([text])[0] if legible else [])
    assert list(reading.copies) == copies
    # Whatever was left out, tokens stand where their characters stand.
    spans = reading.segmented(subwords).spans
    for (begin, end), (first, last) in zip(
        spans, subwords.spans(reading.text), strict=True
    ):
        if end - begin == last - first:
            part = line.encode()[begin:end], reading.text.encode()[first:last]
            assert part[0] == part[1] or part[0].isspace()


@pytest.mark.parametrize(
    "line, text, copies",
    [
        # What is written without blanks is no word that could be copied as a whole.
        (
            "\u4eca\u5929\u53bb\u6821\uff0c\u770b\u4e66\u3002",
            "\u4eca\u5929\u53bb\uff0c\u770b\u4e66\u3002",
            [],
        ),
        (f"\u4eca\u5929{IVAN}\u770b\u4e66\u3002", "\u4eca\u5929\u770b\u4e66\u3002", []),
        (
            f"\u4eca\u5929\u6821{DOG}\u3002",
            "\u4eca\u5929\u3002",
            [Copy(0, DOG, False, 1)],
        ),
        # But what stands alone is.
        (
            f"\u4eca\u5929 {IVAN} \u770b\u4e66",
            "\u4eca\u5929  \u770b\u4e66",
            [Copy(1, IVAN, True)],
        ),
        ("\u4eca\u5929 \u6821\u3002", "\u4eca\u5929 \u3002", [Copy(1, "\u6821", True)]),
    ],
)
def test_of_a_script_without_blanks_only_what_is_unknown_is_left_out(
    chinese: Tokenizer, line: str, text: str, copies: list[Copy]
) -> None:
    [reading] = read(chinese, [line])
    assert (reading.text, list(reading.copies)) == (text, copies)
    assert reading.ids == chinese.encode([text])[0]


@pytest.mark.parametrize("line", ["", " ", " \u3000", f"{DOG}.", f"({IVAN})!"])
def test_of_what_is_not_read_no_token_stands_anywhere(
    subwords: Tokenizer, line: str
) -> None:
    [reading] = read(subwords, [line])
    assert (reading.ids, reading.text) == ([], "")
    segmented = reading.segmented(subwords)
    assert (segmented.text, segmented.spans) == (line, [])


def test_the_token_of_an_unknown_wide_blank_is_all_of_it(subwords: Tokenizer) -> None:
    # U+3000 and U+00A0 are read as a blank of one byte; they are three and two.
    [reading] = read(subwords, ["ba\u3000. ce\u00a0"])
    assert " ".join(subwords.pieces(reading.ids)) == "_ba _ . _ce _".replace("_", SPACE)
    segmented = reading.segmented(subwords)
    expected = ["ba", "\u3000", ".", " ce", "\u00a0"]
    assert segmented.texts(segmented.spans) == expected


def test_a_tokenizer_of_words_reads_what_it_does_not_know(
    whole_words: Tokenizer,
) -> None:
    [reading] = read(whole_words, ["ba, stranger! ce."])
    assert reading.ids == whole_words.encode(["ba, stranger! ce."])[0]
    assert reading.copies == (Copy(1, "stranger", True),)


@pytest.mark.parametrize("line", [" ", "   ", "\t", "\u3000", "\u00a0 "])
def test_a_tokenizer_of_words_reads_nothing_in_blanks(
    whole_words: Tokenizer, line: str
) -> None:
    assert UNK in whole_words.encode([line])[0]
    assert read(whole_words, [line]) == [Reading(line, [], "", ())]


def looking(*places: int, source: int) -> Array:
    """Attention of target words, each at one of the source words or at the end."""
    attention = np.full([len(places), source + 1], 0.1 / source)
    attention[range(len(places)), places] = 0.9
    return attention


def copied(
    subwords: Tokenizer, line: str, text: str, *places: int, forced: int = 0
) -> tuple[str, list[tuple[int, int]]]:
    [reading] = read(subwords, [line])
    assert reading.copies
    attention = looking(*places, source=len(line.split()))
    text, links = insert_copies(reading, text, attention, forced)
    assert {target for _, target in links} <= set(range(len(text.split())))
    return text, links


def test_a_copy_replaces_the_words_that_attend_to_its_gap(subwords: Tokenizer) -> None:
    text, links = copied(subwords, f"ba {IVAN}, ce", "Eins zwei drei, vier", 0, 1, 1, 2)
    assert (text, links) == (f"Eins {IVAN}, vier", [(0, 0), (1, 1), (2, 2)])


def test_a_copy_replaces_no_sentence_without_blanks(subwords: Tokenizer) -> None:
    sentence = "\u4ed6\u5728\u770b\u4e66\u3002"
    text, links = copied(subwords, f"{IVAN} ba.", sentence, 0)
    assert (text, links) == (f"{IVAN} {sentence}", [(0, 0)])
    assert copied(subwords, f"ba{DOG} ce.", sentence, 0)[0] == (
        f"{sentence[:-1]}{DOG}\u3002"
    )


def test_of_words_that_stand_apart_one_group_is_replaced(subwords: Tokenizer) -> None:
    text, _ = copied(subwords, f"ba {IVAN}", "eins zwei drei vier", 1, 0, 1, 1)
    assert sorted(text.split()) in (
        sorted(f"{IVAN} zwei drei vier".split()),
        sorted(f"eins zwei {IVAN}".split()),
    )


def test_a_copy_with_no_word_follows_those_of_the_source_before_it(
    subwords: Tokenizer,
) -> None:
    line = f"ba {DOG} {IVAN} ce"
    text, links = copied(subwords, line, "vier eins", 3, 0)
    assert text == f"vier eins {DOG} {IVAN}"
    assert links == [(3, 0), (0, 1), (1, 2), (2, 3)]
    assert copied(subwords, line, "vier", 3)[0] == f"{DOG} {IVAN} vier"


def test_a_copy_stands_before_or_behind_marks_as_it_did(subwords: Tokenizer) -> None:
    assert copied(subwords, f"ba ce {DOG}.", "eins zwei.", 0, 1)[0] == (
        f"eins zwei {DOG}."
    )
    assert copied(subwords, f"ba ce. {DOG}", "eins zwei.", 0, 1)[0] == (
        f"eins zwei. {DOG}"
    )
    assert copied(subwords, f"ba{DOG} ce", "eins zwei.", 1, 0)[0] == f"eins zwei{DOG}."
    assert copied(subwords, "\u20ac5 ce", "(fuenf) zwei", 0, 1)[0] == (
        "(\u20acfuenf) zwei"
    )


def test_what_is_there_already_is_not_copied_again(subwords: Tokenizer) -> None:
    text = f"eins {IVAN}s"
    assert copied(subwords, f"ba {IVAN}", text, 0, 1)[0] == text


def test_a_forced_beginning_stays(subwords: Tokenizer) -> None:
    line, begun = f"{IVAN} ba {DOG}", "eins zwei"
    text, _ = copied(subwords, line, f"{begun} drei", 0, 0, 1, forced=len(begun))
    assert text == f"{begun} {IVAN} drei {DOG}"


def test_an_empty_translation_has_its_copies(subwords: Tokenizer) -> None:
    [reading] = read(subwords, [f"ba {IVAN} {DOG}"])
    text, links = insert_copies(reading, "", np.zeros([0, 4]))
    assert (text, links) == (f"{IVAN} {DOG}", [(1, 0), (2, 1)])


def test_a_line_without_unknown_characters_is_left_as_it_is() -> None:
    reading = Reading("ba ce", [5, 6], "ba ce", range(5))
    attention = looking(1, 0, source=2)
    assert insert_copies(reading, " x  y ", attention) == (" x  y ", [(1, 0), (0, 1)])
