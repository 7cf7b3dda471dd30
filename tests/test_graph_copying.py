"""The export's graph says of any text what Python says of it."""

import functools
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from conftest import Toy
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nmt import graph_alignment
from nmt.alignment import Segmented, attention_of_parts
from nmt.alignment import links as python_links
from nmt.config import TextPair, TokenizerConfig
from nmt.copying import insert_copies, read
from nmt.graph_alignment import Spans
from nmt.graph_copying import Copies, GraphReader, answer, word_spans
from nmt.graph_copying import insert_copies as graph_insert_copies
from nmt.graph_text import characters, pieces, words
from nmt.graph_wording import GraphWording
from nmt.tokenizer import NUM_SPECIAL, Tokenizer, train_tokenizers
from nmt.translation import _answer
from nmt.wording import Wording

TEXT = "Ba, ce. (di) fo! gu? ha 5\n\u6708\u00e4 \u2019t \u2581 \u3000\u0130ba\n" * 9
KINDS = ["bpe", "unigram", "char", "word", "lowercase"]

# Known and unknown letters, marks, signs, blanks and joiners, in words and beside them.
LINES = st.one_of(
    st.text(
        "Bbacedifogu,.()!5 \t\r\0\u2028\u00a0\u3000\u2581\u00e4\u0130\u2019\u201c\u00bf"
        "\u20ac\u0418\u0432\u0301\u200d\ufe0f\ufffd\U0001f415\U0001f469\u65e5\u6708\ue000\ufffe",
        max_size=30,
    ),
    st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"])),
)
MANY = settings(max_examples=40, deadline=None)


@pytest.fixture(scope="module")
def tokenizers(toy: Toy) -> dict[str, Tokenizer]:
    text = toy.directory / "text.graph"
    text.write_text(TEXT)
    pair = TextPair(source=text, target=text)
    trained = {}
    for kind in KINDS:
        lowercase = kind == "lowercase"
        options = {"type": "bpe" if lowercase else kind, "lowercase": lowercase}
        config = TokenizerConfig.model_validate({"vocab_size": 300, **options})
        trained[kind] = train_tokenizers(config, [pair]).source
    return trained


@given(st.data())
@MANY
def test_pieces_of_a_text_are_cut_where_they_begin_and_end(data: st.DataObject) -> None:
    text = data.draw(LINES)
    cuts = data.draw(st.sets(st.integers(0, len(text)), max_size=9).map(sorted))
    spans = [each for each in itertools.pairwise(cuts) if data.draw(st.booleans())]
    in_bytes = [[len(text[:end].encode()) for end in each] for each in spans]
    begins, ends = np.reshape(np.array(in_bytes, np.int32), [-1, 2]).T
    cut = pieces(characters(tf.constant(text)), begins, ends).numpy()
    assert [each.decode() for each in cut] == [text[slice(*each)] for each in spans]


def test_a_line_as_long_as_a_book_is_taken_apart() -> None:
    """A copy of the line for each of its characters would be 90 GB."""
    text = "ba \U0001f415 " * 50_000
    of_text = characters(tf.constant(text))
    own = words(of_text)
    begins = tf.gather(of_text.begins, own.first)
    cut = pieces(of_text, begins, tf.gather(of_text.ends, own.beyond - 1)).numpy()
    assert [each.decode() for each in cut] == text.split()


def in_a_graph(function: Callable[..., Any], *kinds: Any) -> Callable[..., Any]:
    """The function as one graph for all arguments of these types."""
    signature = [tf.TensorSpec(shape, dtype) for shape, dtype in kinds]
    graph = tf.function(function, autograph=False, input_signature=signature)

    def run(*arguments: Any) -> Any:
        constants = [
            tf.constant(value, spec.dtype, np.shape(value))
            for value, spec in zip(arguments, signature, strict=True)
        ]
        return tf.nest.map_structure(lambda x: x.numpy(), graph(*constants))

    return run


TEXT_IN: Any = ([], tf.string)


@functools.cache
def graph_of(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of a text as a graph, traced once."""
    return in_a_graph(function, TEXT_IN)


@pytest.fixture(scope="module")
def wordings(tokenizers: dict[str, Tokenizer]) -> dict[str, Callable[..., Any]]:
    return {
        kind: in_a_graph(GraphWording(tokenizer), ([None], tf.int32))
        for kind, tokenizer in tokenizers.items()
    }


@pytest.fixture(scope="module")
def readers(tokenizers: dict[str, Tokenizer]) -> dict[str, Callable[..., Any]]:
    return {
        kind: in_a_graph(GraphReader(tokenizer).read, TEXT_IN)
        for kind, tokenizer in tokenizers.items()
    }


@pytest.mark.parametrize("kind", KINDS)
@MANY
@given(line=LINES)
@example(line="\u00a0 ")
@example(line="ba\u00a0. \u20ac\u00a0")
@example(line="\u20ac \u20ac\u201c \u20ac. \u20ac \u20ac ba \u20ac \u20ac ce")
@example(line="\u20ac \u20ac  \u20ac \u20ac \u0418 \u20ac ba")
@example(line=" \u20ac \u20ac ba \u20ac")
def test_it_reads_the_same_ids_at_the_same_places_and_copies_the_same(
    kind: str,
    line: str,
    readers: dict[str, Callable[..., Any]],
    tokenizers: dict[str, Tokenizer],
) -> None:
    [expected] = read(tokenizers[kind], [line])
    found = readers[kind](line.encode())
    assert found.ids.tolist() == expected.ids
    segmented = expected.segmented(tokenizers[kind])
    spans = segmented.spans
    segmented.texts(spans)  # raises where one cuts a character
    assert list(zip(*map(np.ndarray.tolist, found.tokens), strict=True)) == spans
    copies = [
        (word, text.decode(), replaces, side)
        for word, text, replaces, side in zip(*found.copies, strict=True)
    ]
    assert copies == [
        (copy.word, copy.text, copy.replaces, copy.side) for copy in expected.copies
    ]


@pytest.mark.parametrize("kind", ["bpe", "word"])
@MANY
@given(data=st.data())
def test_any_ids_have_the_same_text_and_words(
    kind: str,
    data: st.DataObject,
    wordings: dict[str, Callable[..., Any]],
    tokenizers: dict[str, Tokenizer],
) -> None:
    tokenizer = tokenizers[kind]
    # Mostly bytes, the parts of characters among them.
    beginnings = tokenizer.encode(["\u00e4 \u20acba", "\U0001f415\u0301\n\r", "Ba ce"])
    known = st.sampled_from(sorted({id for ids in beginnings for id in ids}))
    any_id = st.integers(NUM_SPECIAL, tokenizer.vocab_size - 1)
    whole = st.sampled_from(beginnings)
    some = st.one_of(whole, st.lists(st.one_of(known, any_id), max_size=4))
    ids = sum(data.draw(st.lists(some, max_size=5)), [])
    expected = Wording(tokenizer, ids)
    found = wordings[kind](ids)
    assert found.text.decode() == expected.text
    assert found.rows.tolist() == expected.rows
    # Rows that are all different show which token belongs to which word.
    segmented = expected.segmented()
    weights = np.eye(len(expected.rows) + 1, 2)
    assert np.array_equal(
        attention_of_parts(
            weights, [(0, 1)], [(0, 1)],
            list(zip(*map(np.ndarray.tolist, found.tokens), strict=True)),
            segmented.words(),
        ),
        attention_of_parts(
            weights, [(0, 1)], [(0, 1)], segmented.spans, segmented.words()
        ),
    )  # fmt: skip


def spans_of_words(text: Any) -> Spans:
    return word_spans(characters(text), words(characters(text)))


@MANY
@given(line=LINES)
def test_words_are_what_blanks_set_apart(line: str) -> None:
    found = graph_of(spans_of_words)(line.encode())
    assert (
        list(zip(*map(np.ndarray.tolist, found), strict=True))
        == Segmented(line, []).words()
    )


@MANY
@given(line=LINES)
def test_a_line_that_cannot_be_read_is_copied_without_its_blanks(line: str) -> None:
    text, links = graph_of(answer)(line.encode())
    assert text.decode() == _answer(line, "")
    assert np.array_equal(links, np.eye(len(line.split()), dtype=bool))


@MANY
@given(data=st.data())
def test_attention_over_words_and_its_links_are_the_same(data: st.DataObject) -> None:
    random = np.random.default_rng(data.draw(st.integers(0, 1000)))

    def spans(text: str) -> list[tuple[int, int]]:
        cuts = st.lists(st.integers(0, len(text)), max_size=6)
        places = [0, *sorted(data.draw(cuts)), len(text)]
        return list(zip(places, places[1:], strict=False))

    source, target = (data.draw(st.text("ab ", max_size=12)) for _ in range(2))
    of_source, of_target = (
        Segmented(source, spans(source)),
        Segmented(target, spans(target)),
    )
    shape = [len(of_target.spans) + 1, len(of_source.spans) + 1]
    attention = random.dirichlet(np.full(shape[1], 0.3), shape[0]).astype(np.float32)
    both = [of_source.spans, of_source.words(), of_target.spans, of_target.words()]
    expected = attention_of_parts(attention, *both)
    pairs = [Spans(*np.array(some, np.int32).reshape([-1, 2]).T) for some in both]
    tensors = tf.nest.map_structure(tf.constant, pairs)
    found = graph_alignment.attention_of_parts(tf.constant(attention), *tensors)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-6)
    linked = graph_alignment.links(tf.constant(expected)).numpy()
    assert [(column, row) for row, column in np.argwhere(linked)] == python_links(
        expected
    )


@pytest.mark.parametrize("kind", ["bpe", "word"])
@MANY
@given(data=st.data())
def test_copies_go_to_the_same_places(
    kind: str,
    data: st.DataObject,
    tokenizers: dict[str, Tokenizer],
    insert: Callable[..., Any],
    readers: dict[str, Callable[..., Any]],
) -> None:
    line, text = data.draw(LINES), data.draw(LINES)
    random = np.random.default_rng(data.draw(st.integers(0, 1000)))
    shape = [len(text.split()), len(line.split()) + 1]
    # Few values, so that some are equal.
    attention = random.choice([0.05, 0.1, 0.2, 0.4, 0.6], shape)
    [reading] = read(tokenizers[kind], [line])
    copies = readers[kind](line.encode()).copies
    words_of_line = np.array([word.encode() for word in line.split()], object)
    found, linked = insert(words_of_line, *copies, text.encode(), attention)
    expected, links = insert_copies(reading, text, attention)
    assert found.decode() == expected
    assert [(column, row) for row, column in np.argwhere(linked)] == links


@pytest.fixture(scope="module")
def insert() -> Callable[..., Any]:
    def graph(source: Any, *rest: Any) -> Any:
        *copies, text, attention = rest
        return graph_insert_copies(source, Copies(*copies), text, attention)

    return in_a_graph(
        graph,
        ([None], tf.string),
        *[([None], kind) for kind in (tf.int32, tf.string, tf.bool, tf.int32)],
        TEXT_IN,
        ([None, None], tf.float64),
    )
