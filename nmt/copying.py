"""Characters that the model cannot read: kept from it, and copied to the output.

Knows nothing of models or search.

A subword tokenizer spells in bytes a character that its training text did not have, so
that nothing is lost; but the model has never met those bytes, and they spoil its
translation of all the rest. So it reads the line without them, and they are put into
what it says: words by attention, as Jean et al. 2015 (section 3.3) and Luong et al.
2015 (addressing the rare word problem) put words for UNK.

- A word with unknown letters, marks at its ends apart, is copied as a whole. The model
  reads a gap in its place, one blank more; the copy replaces the target words whose
  strongest attention is on the gap. If there are none, it follows what the source words
  before it became.
- What is written without blanks, as Chinese is, stays one word for this, however long.
  So of a word with a known letter of such a script only the unknown letters are left
  out, and no copy replaces one.
- Unknown signs, as emoji are, only follow; in a word, they stay at its end.
- Unknown punctuation in a word is left out, as is an unknown accent that stands as a
  character of its own, unless it is all of the word.
- With `type: word` the model does read what it does not know: UNK is the gap.
"""

import functools
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from nmt.alignment import Array, Link, Segmented, links, offsets
from nmt.tokenizer import NUM_BYTES, NUM_SPECIAL, UNK, Tokenizer

# Marks that may stand at the ends of a word, beside quotes and brackets.
MARKS = (
    "'\".,;:!?\u00a1\u00bf\u2026\u060c\u061f\u3001\u3002\uff01\uff0c\uff1a\uff1b\uff1f"
)
QUOTES_AND_BRACKETS = ("Ps", "Pe", "Pi", "Pf")

# Scripts that set no blanks between words: Thai, Lao, Tibetan, Myanmar; Khmer; the
# Tai ones; Japanese syllables; Han, of China and Japan.
UNSPACED = re.compile(
    "[\u0e00-\u109f\u1780-\u17ff\u1950-\u19ff\u1a20-\u1aaf\ua9e0-\ua9ff\uaa60-\uaadf"
    "\u3005-\u3007\u3040-\u312f\u31a0-\u31ff\uff66-\uff9f"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)


@dataclass(frozen=True)
class Copy:
    """What is copied of a source word, by the word's number."""

    word: int
    text: str
    replaces: bool  # what attends to the word
    side: int = 0  # -1: it begins a word of which the model reads the rest, 1: ends it


@dataclass(frozen=True)
class Reading:
    """A line as the model reads it."""

    line: str
    ids: list[int]  # empty: there is nothing to translate
    text: str  # what the ids are the ids of; empty where they are
    places: Sequence[int]  # where each byte of the text stands in the line
    copies: tuple[Copy, ...] = ()

    def segmented(self, tokenizer: Tokenizer) -> Segmented:
        """The line, and where in it the ids stand."""
        places = [*self.places, len(self.line.encode())]
        ends = offsets(self.line)[1:]
        spans = []
        for begin, end in tokenizer.spans(self.text):
            first = beyond = places[begin]
            if begin < end:
                # The end of a character: of an unknown wide blank one byte is read.
                beyond = ends[bisect_right(ends, places[end - 1])]
            spans.append((first, beyond))
        return Segmented(self.line, spans)


def read(tokenizer: Tokenizer, lines: Sequence[str]) -> list[Reading]:
    """Each line as a model with this source tokenizer reads it."""
    spelt = spelling_ids(tokenizer)
    readings = []
    for line, ids in zip(lines, tokenizer.encode(lines), strict=True):
        if line.isspace():
            readings.append(Reading(line, [], "", ()))
        elif not spelt.isdisjoint(ids):
            readings.append(_read_around(tokenizer, line, ids))
        else:
            readings.append(Reading(line, ids, line, range(len(line.encode()))))
    return readings


@functools.lru_cache(maxsize=8)
def spelling_ids(tokenizer: Tokenizer) -> frozenset[int]:
    """UNK and the bytes: ids of what the tokenizer's training text did not have."""
    first = range(NUM_SPECIAL, min(NUM_SPECIAL + NUM_BYTES, tokenizer.vocab_size))
    pieces = zip(first, tokenizer.pieces(first), strict=True)
    return frozenset(
        [UNK, *(id for id, piece in pieces if re.fullmatch("<0x[0-9A-F]{2}>", piece))]
    )


def _read_around(tokenizer: Tokenizer, line: str, ids: list[int]) -> Reading:
    """The reading of a line with unknown characters."""
    unknown = _unknown(tokenizer, line, ids)
    copies: list[Copy] = []
    unread = {place for place in unknown if not line[place].isspace()}
    for number, match in enumerate(re.finditer(r"\S+", line)):
        word = range(*match.span())
        if UNK in ids:
            if not unknown.isdisjoint(word):
                copies.append(Copy(number, _cut(line, _core(line, word)), True))
        else:
            found, places = _copies(line, word, number, unknown, unread)
            copies += found
            unread.update(places)
    if UNK in ids:
        return Reading(line, ids, line, range(len(line.encode())), tuple(copies))
    read: list[str] = []
    places_read: list[int] = []
    for index, (begin, end) in enumerate(pairwise(offsets(line))):
        if index not in unread:
            # A blank that is unknown is still a blank, of one byte.
            is_unknown = index in unknown
            read.append(" " if is_unknown else line[index])
            places_read += range(begin, begin + 1 if is_unknown else end)
    text = "".join(read)
    if not any(map(has_meaning, text)):
        # Of nothing but marks the model would make up a sentence.
        return Reading(line, [], "", (), tuple(copies))
    [ids] = tokenizer.encode([text])
    return Reading(line, ids, text, places_read, tuple(copies))


def _unknown(tokenizer: Tokenizer, line: str, ids: list[int]) -> set[int]:
    """The indices of the characters that the tokenizer does not know."""
    spelt = spelling_ids(tokenizer)
    covered: set[int] = set()
    for id, span in zip(ids, tokenizer.spans(line), strict=True):
        if id in spelt:
            covered |= set(range(*span))
    return {
        index
        for index, (begin, character) in enumerate(
            zip(offsets(line)[:-1], line, strict=True)
        )
        if begin in covered and character != " "
    }


def _copies(
    line: str, word: range, number: int, unknown: set[int], unread: set[int]
) -> tuple[list[Copy], Iterable[int]]:
    """What is copied of a word, and what more is not read because of that."""
    strange = [place for place in word if place in unknown]
    if not strange:
        return [], ()
    core = _core(line, word)
    if any(is_letter(line[place]) for place in strange) and not any(
        is_unspaced(line[place]) for place in word if place not in unknown
    ):
        return [Copy(number, _cut(line, core), True)], core
    legible = [
        place for place in word if place not in unknown and has_meaning(line[place])
    ]
    if not legible:
        # A blank goes as well: a gap is for what has a place in the sentence. Where
        # there is none before the word any more, and no mark behind it, the next one.
        blank = word.start - 1
        if blank < 0 or blank in unread:
            if unread.issuperset(range(core.stop, word.stop)):
                blank = word.stop
        return [Copy(number, _cut(line, core), False)], [*core, blank]
    beside = [
        place
        for place in strange
        if not (is_letter(line[place]) or is_accent(line[place]))
    ]
    signs = [place for place in beside if has_meaning(line[place])]
    sides = {
        -1: [place for place in beside if place < legible[0]],
        1: [place for place in beside if place > legible[0]],
    }
    return [
        Copy(number, "".join(line[place] for place in places), False, side)
        for side, places in sides.items()
        if not set(places).isdisjoint(signs)
    ], ()


def _core(line: str, word: range) -> range:
    """The word without the marks at its ends; all of it, if it is nothing else."""
    inner = [place for place in word if not is_mark(line[place])]
    return range(inner[0], inner[-1] + 1) if inner else word


def _parts(word: str) -> tuple[str, str, str]:
    """The marks before the core of a word, the core, and the marks behind it."""
    core = _core(word, range(len(word)))
    return word[: core.start], _cut(word, core), word[core.stop :]


def _cut(text: str, places: range) -> str:
    return text[places.start : places.stop]


def is_mark(character: str) -> bool:
    return character in MARKS or unicodedata.category(character) in QUOTES_AND_BRACKETS


def is_letter(character: str) -> bool:
    """A letter or a digit."""
    return unicodedata.category(character)[0] in "LN"


def is_accent(character: str) -> bool:
    """What is written on a letter."""
    # Variation selectors are parts of emoji, though by category they are marks.
    category = unicodedata.category(character)
    return category in ("Mn", "Mc") and not "\ufe00" <= character <= "\ufe0f"


def is_unspaced(character: str) -> bool:
    """A letter of a script that sets no blanks between words."""
    return is_letter(character) and UNSPACED.match(character) is not None


def has_meaning(character: str) -> bool:
    """A letter, a digit or a sign: neither punctuation, nor blank, nor control."""
    category = unicodedata.category(character)
    # Signs that are younger than Python's tables are unassigned there.
    return category[0] in "LMNS" or category in ("Co", "Cn")


@dataclass
class _Word:
    """A word of the output, with the blanks before it."""

    blanks: str
    text: str
    links: list[int]  # source words
    looks_at: int  # where its strongest attention is: a source word or the end
    attention: float  # what that gets
    unspaced: bool = False  # of more than one word, maybe, without blanks
    fixed: bool = False  # a part of a forced beginning


def insert_copies(
    reading: Reading, text: str, attention: Array, forced: int = 0
) -> tuple[str, list[Link]]:
    """The translation with its copies, and its links.

    attention [target words, source words + 1]; the first `forced` characters of the
    text stay as they are.
    """
    words = [
        _Word(
            match[1],
            match[2],
            links=[],
            looks_at=int(row.argmax()),
            attention=float(row.max()),
            unspaced=any(map(is_unspaced, match[2])),
            fixed=match.start(2) < forced,
        )
        for match, row in zip(re.finditer(r"(\s*)(\S+)", text), attention, strict=True)
    ]
    for source, target in links(attention):
        words[target].links.append(source)
    ending = text[len(text.rstrip()) :]
    for copy in reading.copies:
        if copy.text not in text:
            _insert(words, copy, reading.line.split())
    linked = [
        (source, place) for place, word in enumerate(words) for source in word.links
    ]
    return "".join(word.blanks + word.text for word in words) + ending, linked


def _insert(words: list[_Word], copy: Copy, source: Sequence[str]) -> None:
    """Puts one copy where it belongs among the words."""
    own = [
        place
        for place, word in enumerate(words)
        if word.looks_at == copy.word
        and not word.fixed
        and not (copy.replaces and word.unspaced)
    ]
    strongest = max(own, key=lambda place: words[place].attention, default=None)
    if copy.side and strongest is not None:
        word = words[strongest]
        before, core, behind = _parts(word.text)
        core = core + copy.text if copy.side > 0 else copy.text + core
        word.text = before + core + behind
        return
    if not copy.side:
        for word in words:
            word.links = [link for link in word.links if link != copy.word]
    new = _Word(" ", copy.text, [copy.word], copy.word, 0.0)
    if copy.replaces and strongest is not None:
        first = last = strongest
        while first - 1 in own:
            first -= 1
        while last + 1 in own:
            last += 1
        before, behind = _parts(words[first].text)[0], _parts(words[last].text)[2]
        new.blanks, new.text = words[first].blanks, before + copy.text + behind
        words[first : last + 1] = [new]
        return
    forced = sum(word.fixed for word in words)
    # The last target word of the nearest source word that has any.
    link, anchor = max(
        (
            (link, place)
            for place, word in enumerate(words)
            for link in word.links
            if link < copy.word
        ),
        default=(0, -1),
    )
    place = max(anchor + 1, forced)
    if place > forced and not _parts(source[link])[2]:
        # What ends the sentence behind the copy ends it here as well.
        before, core, behind = _parts(words[anchor].text)
        words[anchor].text, new.text = before + core, copy.text + behind
    if place == 0:
        new.blanks = ""
        for word in words[:1]:
            word.blanks = " "
    words.insert(place, new)
