"""The ids of a hypothesis -> its text, and where in it each id stands.

Knows nothing of models, search or the source.
"""

from collections.abc import Sequence

from nmt.alignment import Segmented
from nmt.copying import spelling_ids
from nmt.tokenizer import NUM_SPECIAL, Tokenizer

# What a byte becomes that is no part of a character.
UNFINISHED = "\ufffd"


class Wording:
    """The text of `ids`: a forced beginning as it was given, then what came of it."""

    def __init__(
        self, tokenizer: Tokenizer, ids: Sequence[int], beginning: str = ""
    ) -> None:
        self._tokenizer = tokenizer
        self._beginning = beginning
        forced = tokenizer.encode([beginning])[0] if beginning else []
        self._forced = len(forced)
        assert list(ids[: self._forced]) == forced
        spoken = _with_text(tokenizer, ids)
        begun = [place for place in spoken if place < self._forced]
        self._own = [place for place in spoken if place >= self._forced]
        if forced and not begun and not beginning[-1].isspace():
            # Unknown words alone: the word behind them is decoded behind itself, since
            # without any before it, it would lose its blank.
            begun = self._own[:1]
        self._spoken = [ids[place] for place in [*begun, *self._own]]
        # The tokenizer may have lost something of the beginning: this is what it kept.
        self._kept = tokenizer.decode([[ids[place] for place in begun]])[0]
        [whole] = tokenizer.decode([self._spoken])
        # Byte tokens can spell a line end, which would break "N lines out".
        generated = whole[len(self._kept) :].replace("\n", " ").replace("\r", " ")
        # Between the beginning and the word behind it there is one blank, not two.
        self._doubled = int(beginning.endswith(" ") and generated.startswith(" "))
        self.text = beginning + generated[self._doubled :]
        self.begun = len(beginning)

    @property
    def rows(self) -> list[int]:
        """Which of the ids, by their places, have a part in the text."""
        return [*range(self._forced), *self._own]

    def segmented(self) -> Segmented:
        """The text, and where in it those ids stand."""
        shift = len(self._beginning.encode()) - len(self._kept.encode())
        shift -= self._doubled
        spans = [
            (begin + shift, end + shift)
            for begin, end in self._tokenizer.decoded_spans(self._spoken)
        ]
        begun = self._tokenizer.spans(self._beginning)
        return Segmented(self.text, [*begun, *spans[len(spans) - len(self._own) :]])


def _with_text(tokenizer: Tokenizer, ids: Sequence[int]) -> list[int]:
    """The places of ids that are text: not UNK, nor a part of a broken character."""
    places = [place for place, id in enumerate(ids) if id >= NUM_SPECIAL]
    plain = [ids[place] for place in places]
    [text] = tokenizer.decode([plain])
    if UNFINISHED not in text:
        return places
    content, spelt = text.encode(), spelling_ids(tokenizer)
    broken = UNFINISHED.encode()
    return [
        place
        for place, id, (begin, end) in zip(
            places, plain, tokenizer.decoded_spans(plain), strict=True
        )
        if id not in spelt or content[begin:end] != broken
    ]
