"""The vocabulary as records. Knows how to read its tables, and no grammar."""

import re
from dataclasses import dataclass, replace

from . import verbs, vocabulary
from .english import plural, regular_past
from .marks import plain


@dataclass(frozen=True)
class Phrase:
    """A piece of a sentence and its translation, with their `marks`."""

    english: str
    german: str

    def plain(self) -> "Phrase":
        return Phrase(plain(self.english), plain(self.german))


@dataclass(frozen=True)
class Noun:
    """`gender` is m, f, n or, for words without a singular, p."""

    english: str
    english_plural: str
    gender: str
    german: str
    german_plural: str  # empty for mass nouns
    is_weak: bool  # der Junge, den Jungen: oblique singular = plural
    classes: tuple[str, ...]

    @property
    def is_mass(self) -> bool:
        return not self.german_plural

    @property
    def is_countable(self) -> bool:
        """Has both numbers, and is spoken of in the singular (unlike shoes)."""
        return not self.is_mass and self.gender != "p" and not self.is_in("paired")

    def is_in(self, *classes: str) -> bool:
        return not set(self.classes).isdisjoint(classes)


@dataclass(frozen=True)
class Adjective:
    """`comparative` is the German one, empty where no comparison is made."""

    english: str
    german: str
    comparative: str = ""


@dataclass(frozen=True)
class Verb:
    english: str  # may carry a particle: "pick up"
    past: str
    prefix: str  # separable: "an" of "anrufen"
    infinitive: str  # without the separable prefix
    stem_changed: str  # of du and er: "lies" of "lesen"
    participle: str  # without the separable prefix; empty if regular
    auxiliary: str  # of the perfect: haben or sein
    objects: tuple[str, ...]  # classes; for an intransitive verb, places
    uses: tuple[str, ...]  # habit, stative, sudden, thought, reflexive
    preposition: tuple[str, ...]  # (English, German, case), or empty
    is_dative: bool = False  # takes its object in the dative


@dataclass(frozen=True)
class Place:
    """A noun with the prepositions (English, German) of being there and going there."""

    noun: Noun
    at: tuple[str, str]
    to: tuple[str, str]


def phrases(table: str) -> list[Phrase]:
    return [word_for_word(*row.split(" = ")) for row in _rows(table)]


def word_for_word(english: str, german: str) -> Phrase:
    """The n-th word of one is the n-th of the other, if they are as many.

    Words that are marked already, and those of unequal numbers, stay as they are.
    """
    words, woerter = english.split(), german.split()
    if "/" in english or len(words) != len(woerter) or len(words) == 1:
        return Phrase(english, german)
    return Phrase(
        " ".join(f"{word}/{place}" for place, word in enumerate(words)),
        " ".join(f"{wort}/{place}" for place, wort in enumerate(woerter)),
    )


def _rows(table: str) -> list[str]:
    return [row.strip() for row in re.split("[;\n]", table.strip())]


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.replace("_", " ") for word in text.split())


def _word_pairs(table: str) -> list[Phrase]:
    return [Phrase(*row.split()) for row in _rows(table)]


def _nouns(line: str) -> list[Noun]:
    heading, _, rows = line.partition(":")
    return [_noun(row, heading) for row in rows.split(";")]


def _noun(row: str, heading: str) -> Noun:
    english, gender, german, german_plural, *classes = _words(row)
    singular, _, irregular = english.partition("/")
    return Noun(
        singular,
        irregular or plural(singular),
        gender[0],
        german,
        "" if german_plural == "-" else german_plural,
        gender.endswith("*"),
        (heading, *classes),
    )


def _adjectives(table: str) -> dict[str, list[Adjective]]:
    adjectives: dict[str, list[Adjective]] = {}
    for row in _rows(table):
        heading, _, entries = row.partition(":")
        for entry in entries.split(","):
            english, german = entry.split()
            adjective = Adjective(english, *german.split("/"))
            adjectives.setdefault(heading, []).append(adjective)
    return adjectives


def _verb(row: str) -> Verb:
    english, german, objects, uses, preposition = [
        _words(field) for field in (re.split(r"\s\|(?=\s|$)", row) + [""] * 4)[:5]
    ]
    prefix, _, infinitive = german[0].rpartition("|")
    forms = [form for form in german[1:] if form != "sein"]
    return Verb(
        english=english[0],
        past=english[1] if len(english) > 1 else regular_past(english[0]),
        prefix=prefix,
        infinitive=infinitive,
        stem_changed="".join(form[:-1] for form in forms if form.endswith("-")),
        participle="".join(form for form in forms if not form.endswith("-")),
        auxiliary="sein" if "sein" in german[1:] else "haben",
        objects=objects,
        uses=uses,
        preposition=preposition,
    )


def _verbs_by_first_word(table: str) -> dict[str, Verb]:
    split = [row.split(maxsplit=1) for row in _rows(table)]
    return {word: _verb(row) for word, row in split}


NOUNS = [noun for line in vocabulary.NOUNS.strip().split("\n") for noun in _nouns(line)]
NOUN = {noun.english: noun for noun in NOUNS}
_ADJECTIVES = _adjectives(vocabulary.ADJECTIVES)
_PLACE_ROWS = [row.split() for row in _rows(vocabulary.PLACES)]
PLACES = {
    noun: Place(NOUN[noun], (at, an), (to, zu)) for noun, at, an, to, zu in _PLACE_ROWS
}

TRANSITIVE = [_verb(row) for row in _rows(verbs.TRANSITIVE)]
DATIVE = [replace(_verb(row), is_dative=True) for row in _rows(verbs.DATIVE)]
PREPOSITIONAL = [_verb(row) for row in _rows(verbs.PREPOSITIONAL)]
INTRANSITIVE = [_verb(row) for row in _rows(verbs.INTRANSITIVE)]
_OTHER = [_verb(row) for row in _rows(verbs.OTHER)]
VERB = {verb.english: verb for verb in _OTHER + INTRANSITIVE + DATIVE + TRANSITIVE}
KNOW_A_FACT = _verb(verbs.KNOW_A_FACT)
POSITIONS = _verbs_by_first_word(verbs.POSITIONS)
PLACINGS = _verbs_by_first_word(verbs.PLACINGS)

NAMES, SURNAMES = vocabulary.NAMES, vocabulary.SURNAMES
JOBS = [row.split() for row in _rows(vocabulary.JOBS)]
CITIES = _word_pairs(vocabulary.CITIES)
MONTHS = _word_pairs(vocabulary.MONTHS)
WEEKDAYS = _word_pairs(vocabulary.WEEKDAYS)
PAST_TIMES = phrases(vocabulary.PAST_TIMES)
FUTURE_TIMES = phrases(vocabulary.FUTURE_TIMES)
PRESENT_TIMES = phrases(vocabulary.PRESENT_TIMES)
HABIT_TIMES = phrases(vocabulary.HABIT_TIMES)
OFTEN = phrases(vocabulary.OFTEN)
DEGREES = phrases(vocabulary.DEGREES)
WEATHER = {phrase.english: phrase for phrase in phrases(vocabulary.WEATHER)}


def nouns_of(*classes: str) -> list[Noun]:
    """Nouns that belong to any of the classes, in the order of the tables."""
    return [noun for noun in NOUNS if noun.is_in(*classes)]


def countable_nouns_of(*classes: str) -> list[Noun]:
    return [noun for noun in nouns_of(*classes) if noun.is_countable]


def adjectives_of(noun: Noun) -> list[Adjective]:
    """What can be said of the noun: adjectives under any of its classes."""
    classes = ["person" if name == "kin" else name for name in noun.classes]
    fitting = [word for name in classes for word in _ADJECTIVES.get(name, [])]
    grown_up = ("old", "young", "strong", "rich", "famous")
    is_young = noun.is_in("youth")
    return [word for word in fitting if not is_young or word.english not in grown_up]


def state(english: str) -> Adjective:
    """A passing state of a person: tired, hungry, ..."""
    return next(word for word in _ADJECTIVES["state"] if word.english == english)
