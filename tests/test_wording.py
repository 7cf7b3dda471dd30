"""From ids to text: a forced beginning stays as it is, broken bytes go."""

import io
from collections.abc import Sequence

import pytest
import sentencepiece
from conftest import Toy

from nmt.config import TextPair, TokenizerConfig
from nmt.tokenizer import UNK, Tokenizer, train_tokenizers
from nmt.wording import Wording


@pytest.fixture(scope="module")
def tokenizer(toy: Toy) -> Tokenizer:
    files = [toy.directory / f"few.{side}" for side in ("source", "target")]
    pair = TextPair(source=files[0], target=files[1])
    return train_tokenizers(TokenizerConfig(vocab_size=300), [pair]).target


def ids_of(tokenizer: Tokenizer, pieces: Sequence[str]) -> list[int]:
    known = tokenizer.pieces(range(tokenizer.vocab_size))
    return [known.index(piece) for piece in pieces]


def test_the_text_of_any_ids_is_what_the_tokenizer_says(tokenizer: Tokenizer) -> None:
    line = "ba ce  di \u00e4\u00f6 \U0001f415"
    [ids] = tokenizer.encode([line])
    wording = Wording(tokenizer, ids)
    assert wording.text == line
    assert wording.rows == list(range(len(ids)))
    assert list(wording.segmented().spans) == tokenizer.spans(line)


@pytest.mark.parametrize(
    "broken", [["<0xE2>", "<0x82>"], ["<0xFF>"], ["<0x82>", "<0xC3>"]], ids=" ".join
)
def test_bytes_that_are_no_character_are_left_out(
    tokenizer: Tokenizer, broken: list[str]
) -> None:
    euro, more = tokenizer.encode(["\u20ac", "ba"])
    wording = Wording(tokenizer, [*euro, *ids_of(tokenizer, broken), *more])
    assert wording.text == "\u20ac ba"
    places = range(len(euro) + len(broken), len(euro) + len(broken) + len(more))
    assert wording.rows == [*range(len(euro)), *places]
    assert wording.segmented().words() == [(0, 3), (4, 6)]


@pytest.mark.parametrize(
    "beginning",
    ["ba", "ba ", "ba\u00a0", "ba  ", "b", " ba", "ba\u2581ce", "\U0001f415 a\rb", " "],
)
def test_the_text_begins_with_what_was_forced(
    tokenizer: Tokenizer, beginning: str
) -> None:
    forced, more = tokenizer.encode([beginning, "x ba"])
    wording = Wording(tokenizer, [*forced, *more], beginning)
    blank = "" if beginning.endswith(" ") else " "
    assert wording.text == f"{beginning}{blank}x ba"
    assert wording.begun == len(beginning)
    target = wording.segmented()
    assert "".join(target.texts(target.spans)[-len(more) :]) == " x ba"
    assert len(target.spans) == len(wording.rows) == len(forced) + len(more)
    # The last word is that of the last ids, whatever the tokenizer made of the rest.
    assert target.spans[-1][1] == target.words()[-1][1] == len(wording.text.encode())


def test_a_beginning_of_unknown_words_stays() -> None:
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["ba ce"] * 9),
        model_writer=model,
        model_type="word",
        vocab_size=9,
        hard_vocab_limit=False,
        pad_id=0,
        unk_id=UNK,
        bos_id=2,
        eos_id=3,
        minloglevel=3,
    )
    tokenizer = Tokenizer(model.getvalue())
    for beginning in ("ba stranger", "stranger", "stranger stranger"):
        forced, more = tokenizer.encode([beginning, "ce ba"])
        assert UNK in forced
        wording = Wording(tokenizer, [*forced, *more], beginning)
        assert wording.text == f"{beginning} ce ba"
        assert wording.rows == list(range(len(forced) + 2))
        segmented = wording.segmented()
        assert segmented.texts(segmented.words()[-2:]) == ["ce", "ba"]
        assert segmented.texts(segmented.spans[-2:]) == [" ce", " ba"]
        assert segmented.spans[-1][1] == len(wording.text)
    # A blank that ends the beginning is that of the next word.
    [forced] = tokenizer.encode(["stranger "])
    assert Wording(tokenizer, [*forced, *more], "stranger ").text == "stranger ce ba"
    assert Wording(tokenizer, forced, "stranger ").text == "stranger "


def test_generated_line_ends_are_blanks(tokenizer: Tokenizer) -> None:
    ids = ids_of(tokenizer, ["<0x0A>", "<0x0D>"])
    [word] = tokenizer.encode(["ba"])
    assert Wording(tokenizer, [*word, *ids, *word]).text == "ba   ba"
