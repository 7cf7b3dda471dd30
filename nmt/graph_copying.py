"""`copying` in a graph: what the model cannot read, kept from it and copied.

Knows nothing of models or search. The rules and their reasons stand in `copying`; a
test holds this to it, character by character.

Letters: C characters and W words of the line, S tokens of what is read of it, N copies,
V words of the translation. One line at a time.
"""

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
import tensorflow_text

from nmt.copying import spelling_ids
from nmt.graph_alignment import Spans, first_largest, links
from nmt.graph_text import (
    ACCENT,
    BLANK,
    LETTER,
    MEANING,
    NO_PLACE,
    UNSPACED,
    Characters,
    Words,
    any_in,
    characters,
    cores,
    first_in,
    last_in,
    parts,
    pieces,
    words,
)
from nmt.tokenizer import UNK, Tokenizer

Tensor = Any


class Copies(NamedTuple):
    """What is copied of a line, in its order; see `copying.Copy`."""

    words: Tensor  # [N] int32
    texts: Tensor  # [N] string
    replace: Tensor  # [N] bool
    sides: Tensor  # [N] int32


class GraphReading(NamedTuple):
    """A line as the model reads it."""

    ids: Tensor  # [S] int32; none: there is nothing to translate
    tokens: Spans  # [S]: where these stand in the line
    copies: Copies


class Read(NamedTuple):
    """What of a line is read."""

    text: Tensor  # scalar string
    places: (
        Tensor  # [bytes of it + 1] int32: where each stands in the line, and its end
    )
    copies: Copies


class GraphReader:
    """`copying.read` for a graph, with the tokenizer inside."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tensorflow_text.SentencepieceTokenizer(tokenizer.model_bytes)
        ids = np.arange(tokenizer.vocab_size)
        self._spelt = np.isin(ids, list(spelling_ids(tokenizer)))

    def read(self, line: Tensor) -> GraphReading:
        """The reading of a line, a scalar of valid UTF-8."""
        ids, begins, ends = self._tokenize(line)
        spelt = tf.gather(tf.constant(self._spelt), ids)
        of_line = characters(line)
        blank = tf.reduce_all(of_line.are(BLANK))
        read = tf.cond(
            tf.reduce_any(spelt) & ~blank,
            lambda: _read_around(line, of_line, ids, spelt, Spans(begins, ends)),
            lambda: _read_all(tf.where(blank, "", line)),
        )
        ids, begins, ends = self._tokenize(read.text)
        first = tf.gather(read.places, begins)
        last = tf.gather(read.places, tf.maximum(ends - 1, 0))
        # The end of a character: of an unknown wide blank one byte is read.
        last = tf.searchsorted(of_line.ends, last, side="right")
        beyond = tf.where(begins < ends, tf.gather(of_line.ends, last), first)
        return GraphReading(ids, Spans(first, beyond), read.copies)

    def _tokenize(self, text: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        ids, begins, ends = self.tokenizer.tokenize_with_offsets(text)
        return ids, tf.cast(begins, tf.int32), tf.cast(ends, tf.int32)


def answer(line: Tensor) -> tuple[Tensor, Tensor]:
    """(text, links [W, W] bool) of a line that has nothing that the model can read.

    It is copied without the blanks at its ends.
    """
    of_line = characters(line)
    in_words = words(of_line)
    count = tf.size(in_words.first)
    first = tf.reduce_min(in_words.first, keepdims=True)[:1]
    beyond = tf.reduce_max(in_words.beyond, keepdims=True)[:1]
    inside = tf.range(tf.size(of_line.texts))
    kept = tf.boolean_mask(of_line.texts, (inside >= first) & (inside < beyond))
    text = tf.strings.regex_replace(tf.strings.reduce_join(kept), "\r", " ")
    return text, tf.eye(count, dtype=tf.bool)


def word_spans(of_text: Characters, in_words: Words) -> Spans:
    """Where the words stand, in bytes."""
    return Spans(
        tf.gather(of_text.begins, in_words.first),
        tf.gather(of_text.ends, in_words.beyond - 1),
    )


def _read_all(line: Tensor) -> Read:
    """All of a line."""
    nothing = tf.zeros([0], tf.int32)
    none = Copies(nothing, tf.zeros([0], tf.string), nothing > 0, nothing)
    return Read(line, tf.range(tf.strings.length(line) + 1), none)


def _read_around(
    line: Tensor, of_line: Characters, ids: Tensor, spelt: Tensor, tokens: Spans
) -> Read:
    """What is read of a line with unknown characters."""
    place = tf.range(tf.size(of_line.texts))
    in_words = words(of_line)
    count = tf.size(in_words.first)
    core_first, core_beyond = cores(of_line, in_words)
    has_unk = tf.reduce_any(ids == UNK)

    # The one token that covers a character is the first that ends behind its begin.
    token = tf.searchsorted(tokens.ends, of_line.begins, side="right")
    token = tf.minimum(token, tf.size(ids) - 1)
    covers = (tf.gather(tokens.begins, token) <= of_line.begins) & (
        tf.gather(tokens.ends, token) > of_line.begins
    )
    unknown = covers & tf.gather(spelt, token) & (of_line.texts != " ")

    def some(chosen: Tensor) -> Tensor:
        return any_in(chosen, in_words.of, count)

    strange = some(unknown)
    unspaced = some(~unknown & of_line.are(UNSPACED))
    whole = some(unknown & of_line.are(LETTER)) & ~unspaced
    whole = strange & (has_unk | whole)
    legible = first_in(~unknown & of_line.are(MEANING), in_words.of, count)
    alone = strange & ~whole & (legible == NO_PLACE)
    beside = strange & ~whole & ~alone
    copied = whole | alone

    # What stands in a word before its first legible character, and after it.
    of_word = tf.maximum(in_words.of, 0)
    behind = place > tf.gather(tf.concat([legible, [0]], 0), of_word)
    follows = unknown & ~of_line.are(LETTER | ACCENT)
    signs = follows & of_line.are(MEANING)

    def joined(chosen: Tensor) -> Tensor:
        """[W] string: what is chosen of each word."""
        own = tf.where(chosen & (in_words.of >= 0), in_words.of, count)
        return tf.strings.unsorted_segment_join(of_line.texts, own, count + 1)[:-1]

    own = [tf.gather(tf.pad(x, [[0, 1]]), of_word) for x in (core_first, core_beyond)]
    in_core = (own[0] <= place) & (place < own[1]) & (in_words.of >= 0)
    core, signs_before = joined(in_core), joined(follows & ~behind)
    texts = tf.stack(
        [tf.where(copied, core, signs_before), joined(follows & behind)], 1
    )
    are = tf.stack(
        [copied | (beside & some(signs & ~behind)), beside & some(signs & behind)], 1
    )
    sides = tf.stack([tf.where(copied, 0, -1), tf.ones_like(legible)], 1)
    numbers = tf.broadcast_to(tf.range(count)[:, tf.newaxis], tf.shape(are))
    replace = tf.stack([whole, tf.zeros_like(whole)], 1)
    copies = Copies(numbers[are], texts[are], replace[are], sides[are])

    in_copied = tf.gather(tf.pad(copied, [[0, 1]]), of_word)
    unread = unknown & ~of_line.are(BLANK) | in_core & in_copied

    # The gap of what has no place in the sentence loses a blank as well: the one before
    # it, but of a row of them that begins the line each the one behind it.
    last_read = last_in(~unread, in_words.of, count)
    before = tf.concat([[-1], in_words.beyond], 0)[:-1]
    begins = alone & (in_words.first == before + 1) & (last_read < core_first)
    begins = tf.math.cumprod(tf.cast(begins, tf.int32)) > 0
    blank = tf.where(begins, in_words.beyond, in_words.first - 1)[alone]
    unread |= any_in(tf.ones_like(blank, tf.bool), blank, tf.size(place) + 1)[:-1]
    keep = has_unk | ~unread

    # A blank that is unknown is still a blank.
    spoken = tf.where(unknown & ~has_unk, " ", of_line.texts)[keep]
    begins = of_line.begins[keep]
    bytes_of = tf.ragged.range(begins, begins + tf.strings.length(spoken)).flat_values
    meaning = has_unk | tf.reduce_any(keep & of_line.are(MEANING))
    return Read(
        tf.where(meaning, tf.strings.reduce_join(spoken), ""),
        tf.concat([bytes_of, [tf.strings.length(line)]], 0),
        copies,
    )


class Said(NamedTuple):
    """The words of a translation."""

    blanks: Tensor  # [V] string: before each
    texts: Tensor  # [V] string
    links: Tensor  # [V, W] bool
    looks_at: Tensor  # [V] int32: a source word, or W, the end
    attention: Tensor  # [V] float64: what that gets
    unspaced: Tensor  # [V] bool: of more than one word, maybe, without blanks


def insert_copies(
    source: Tensor, copies: Copies, text: Tensor, attention: Tensor
) -> tuple[Tensor, Tensor]:
    """(the text with its copies, its links [V, W] bool).

    source [W] string: the words of the line; attention [V, W + 1] float64.
    """
    of_text = characters(text)
    in_words = words(of_text)
    spans = word_spans(of_text, in_words)
    before = tf.concat([[0], spans.ends], 0)
    said = Said(
        pieces(of_text, before[:-1], spans.begins),
        pieces(of_text, spans.begins, spans.ends),
        links(attention),
        first_largest(attention),
        tf.reduce_max(attention, 1),
        any_in(of_text.are(UNSPACED), in_words.of, tf.size(in_words.first)),
    )
    shapes = Said(*([tf.TensorShape([None])] * len(Said._fields)))
    shapes = shapes._replace(links=tf.TensorShape([None, None]))

    def advance(number: Tensor, said: Said) -> tuple[Tensor, Said]:
        copy = Copies(*(field[number] for field in copies))
        known = _is_in(characters(copy.texts), of_text)
        return number + 1, tf.cond(
            known, lambda: said, lambda: _inserted(said, copy, source)
        )

    _, said = tf.while_loop(
        lambda number, said: number < tf.size(copies.words),
        advance,
        (tf.constant(0), said),
        shape_invariants=(tf.TensorShape([]), shapes),
    )
    ending = tf.strings.substr(text, before[-1], tf.strings.length(text) - before[-1])
    spoken = tf.reshape(tf.stack([said.blanks, said.texts], 1), [-1])
    return tf.strings.reduce_join(spoken) + ending, said.links


def _inserted(said: Said, copy: Copies, source: Tensor) -> Said:
    """The words with one copy, a scalar in each field, where it belongs."""
    place = tf.range(tf.size(said.texts))
    own = (said.looks_at == copy.words) & ~(copy.replace & said.unspaced)
    weights = tf.where(own, said.attention, -1.0)
    strongest = first_largest(weights[tf.newaxis])[0]
    attended = tf.reduce_any(own)
    other = tf.range(tf.size(source)) != copy.words
    links = said.links & (other | (copy.sides != 0))
    new = Said(
        tf.constant(" "),
        copy.texts,
        ~other,
        copy.words,
        tf.zeros([], tf.float64),
        tf.constant(False),
    )
    said = said._replace(links=links)

    def beside() -> Said:
        before, core, behind = parts(said.texts[strongest])
        after = copy.sides > 0
        core = tf.where(after, core + copy.texts, copy.texts + core)
        word = Said(*(field[strongest] for field in said))
        word = word._replace(texts=before + core + behind)
        return _spliced(said, strongest, strongest + 1, word)

    def instead() -> Said:
        # The words in a row that look at it, the strongest among them.
        left = tf.reduce_max(tf.where(~own & (place < strongest), place, -1))
        right = tf.where(~own & (place > strongest), place, tf.size(place))
        first, beyond = left + 1, tf.reduce_min(right)
        text = parts(said.texts[first])[0] + copy.texts
        text += parts(said.texts[beyond - 1])[2]
        word = new._replace(blanks=said.blanks[first], texts=text)
        return _spliced(said, first, beyond, word)

    def behind() -> Said:
        # The last target word of the nearest source word that has any.
        before = tf.range(tf.size(source)) < copy.words
        linked = tf.where(
            tf.reduce_any(links, 0) & before, tf.range(tf.size(source)), -1
        )
        link = tf.reduce_max(linked)
        to_it = tf.gather(links, tf.maximum(link, 0), axis=1) & (link >= 0)
        anchor = tf.reduce_max(tf.where(to_it, place, -1))
        anchor = tf.where(link >= 0, anchor, -1)
        return tf.cond(anchor >= 0, lambda: follow(anchor, link), lead)

    def follow(anchor: Tensor, link: Tensor) -> Said:
        # What ends the sentence behind the copy ends it here as well.
        before, core, end = parts(said.texts[anchor])
        keep = parts(source[link])[2] != ""
        texts = tf.tensor_scatter_nd_update(
            said.texts,
            [[anchor]],
            [tf.where(keep, said.texts[anchor], before + core)],
        )
        word = new._replace(texts=copy.texts + tf.where(keep, "", end))
        return _spliced(said._replace(texts=texts), anchor + 1, anchor + 1, word)

    def lead() -> Said:
        blanks = tf.where(place == 0, " ", said.blanks)
        return _spliced(
            said._replace(blanks=blanks), 0, 0, new._replace(blanks=tf.constant(""))
        )

    return tf.cond(
        attended & (copy.sides != 0),
        beside,
        lambda: tf.cond(attended & copy.replace, instead, behind),
    )


def _spliced(said: Said, first: Any, beyond: Any, word: Said) -> Said:
    """The words with one in place of some of them."""
    return Said(
        *(
            tf.concat([all[:first], one[tf.newaxis], all[beyond:]], 0)
            for all, one in zip(said, word, strict=True)
        )
    )


def _is_in(some: Characters, all: Characters) -> Tensor:
    """Whether a text is a part of another."""
    frames = tf.maximum(tf.size(all.texts) - tf.size(some.texts) + 1, 0)
    frames = tf.range(frames)[:, tf.newaxis]
    at = frames + tf.range(tf.size(some.texts))
    return tf.reduce_any(tf.reduce_all(tf.gather(all.texts, at) == some.texts, 1))
