"""A text as tensors: its characters, what kind each is, its words: Python's answers.

Knows nothing of tokens or models. It is `str` for a graph that has no Python: equal to
`str.isspace`, `str.split` and the kinds of characters in `copying`.

Letters: C characters and W words of one text, which is a scalar string.
"""

import functools
import sys
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from nmt.copying import has_meaning, is_accent, is_letter, is_mark, is_unspaced

Tensor = Any

# What a character can be; bits, since it can be several.
BLANK, MARK, LETTER, MEANING, ACCENT, UNSPACED = 1, 2, 4, 8, 16, 32

NO_PLACE = 2**31 - 1  # what the least of no places is


class Characters(NamedTuple):
    """The characters of a text."""

    texts: Tensor  # [C] string: each of them
    begins: Tensor  # [C] int32: where it begins, in bytes of UTF-8
    ends: Tensor  # [C] int32
    kinds: Tensor  # [C] int32: bits

    def are(self, kind: int) -> Tensor:
        """[C] bool: which are of this kind."""
        return tf.bitwise.bitwise_and(self.kinds, kind) != 0


class Words(NamedTuple):
    """Where the words of a text stand: what blanks set apart."""

    of: Tensor  # [C] int32: the word of each character, -1 of a blank
    first: Tensor  # [W] int32: its first character
    beyond: Tensor  # [W] int32: the one after its last


def characters(text: Tensor) -> Characters:
    """The characters of a text, which is valid UTF-8."""
    codes, begins = tf.strings.unicode_decode_with_offsets(text, "UTF-8")
    begins = tf.cast(begins, tf.int32)
    ends = tf.concat([begins[1:], [tf.strings.length(text)]], 0)[: tf.size(codes)]
    texts = tf.strings.unicode_encode(codes[:, tf.newaxis], "UTF-8")
    starts, kinds = _kinds_by_range()
    ranges = tf.searchsorted(tf.constant(starts), codes, side="right") - 1
    return Characters(texts, begins, ends, tf.gather(tf.constant(kinds), ranges))


def pieces(of_text: Characters, begins: Tensor, ends: Tensor) -> Tensor:
    """[N] string: what stands from begins [N] to ends [N], in bytes, in the text.

    None begins before another one has ended. It is put together from characters:
    `tf.strings.substr` would make a copy of all the text for each.
    """
    # Number 0 has what stands between them.
    sorted_begins = tf.pad(begins, [[1, 0]], constant_values=-1)
    own = tf.searchsorted(sorted_begins, of_text.begins, side="right") - 1
    inside = of_text.begins < tf.gather(tf.pad(ends, [[1, 0]]), own)
    return tf.strings.unsorted_segment_join(
        of_text.texts, tf.where(inside, own, 0), tf.size(begins) + 1
    )[1:]


def words(of_text: Characters) -> Words:
    """The words of a text, as `str.split` finds them."""
    inside = ~of_text.are(BLANK)
    before = tf.concat([[False], inside], 0)[:-1]
    after = tf.concat([inside, [False]], 0)[1:]
    starts = inside & ~before
    number = tf.cumsum(tf.cast(starts, tf.int32)) - 1
    return Words(
        of=tf.where(inside, number, -1),
        first=places(starts),
        beyond=places(inside & ~after) + 1,
    )


def places(chosen: Tensor) -> Tensor:
    """Where chosen [N] bool is true: int32."""
    return tf.cast(tf.where(chosen)[:, 0], tf.int32)


def any_in(chosen: Tensor, within: Tensor, count: Tensor) -> Tensor:
    """[count] bool: whether any is chosen [N] within each part; -1: in none."""
    return tf.math.unsorted_segment_sum(tf.cast(chosen, tf.int32), within, count) > 0


def first_in(chosen: Tensor, within: Tensor, count: Tensor) -> Tensor:
    """[count] int32: the first that is chosen [N] in each part, NO_PLACE if none is."""
    place = tf.range(tf.size(chosen))
    return tf.math.unsorted_segment_min(place, tf.where(chosen, within, -1), count)


def last_in(chosen: Tensor, within: Tensor, count: Tensor) -> Tensor:
    """[count] int32: the last that is chosen [N] in each part, negative if none is."""
    place = tf.range(tf.size(chosen))
    return tf.math.unsorted_segment_max(place, tf.where(chosen, within, -1), count)


def cores(of_text: Characters, in_words: Words) -> tuple[Tensor, Tensor]:
    """(first, beyond) [W] of each word without the marks at its ends.

    All of it, if it is nothing else.
    """
    inner = ~of_text.are(MARK)
    count = tf.size(in_words.first)
    first = first_in(inner, in_words.of, count)
    last = last_in(inner, in_words.of, count)
    return (
        tf.where(first == NO_PLACE, in_words.first, first),
        tf.where(first == NO_PLACE, in_words.beyond, last + 1),
    )


def parts(word: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The marks before the core of a word, the core, and the marks behind it."""
    of_word = characters(word)
    inner = places(~of_word.are(MARK))
    some = tf.size(inner) > 0
    first = tf.where(some, tf.reduce_min(inner), 0)
    beyond = tf.where(some, tf.reduce_max(inner) + 1, tf.size(of_word.texts))
    return (
        tf.strings.reduce_join(of_word.texts[:first]),
        tf.strings.reduce_join(of_word.texts[first:beyond]),
        tf.strings.reduce_join(of_word.texts[beyond:]),
    )


@functools.cache
def _kinds_by_range() -> tuple[Any, Any]:
    """(the first code point of each range, what all in that range are)."""
    kinds = np.array(
        [
            BLANK * character.isspace()
            | MARK * is_mark(character)
            | LETTER * is_letter(character)
            | MEANING * has_meaning(character)
            | ACCENT * is_accent(character)
            | UNSPACED * is_unspaced(character)
            for character in map(chr, range(sys.maxunicode + 1))
        ],
        np.int32,
    )
    starts = np.flatnonzero(np.diff(kinds, prepend=-1)).astype(np.int32)
    return starts, kinds[starts]
