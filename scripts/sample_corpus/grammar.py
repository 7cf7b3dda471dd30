"""Noun phrases and clauses in two languages at once. Chooses nothing.

A `Clause` says what is meant; its methods put that in the word orders of the two
languages: the German verb second, first or last, the English with or without do.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from . import english, german, vocabulary
from .lexicon import Adjective, Noun, Phrase, Place, Verb

# English determiner: German stem, as `german.article` takes it
DETERMINERS = {
    "the": "der", "a": "ein", "": "", "this": "dies", "these": "dies", "many": "viel",
    "some": "einig", "which": "welch", "my": "mein", "your": "dein", "his": "sein",
    "her": "ihr", "our": "unser", "their": "ihr",
}  # fmt: skip
INDEFINITE = ("", "a", "many", "some", "any")
MODALS = {
    "can": "können",
    "must": "müssen",
    "should": "sollen",
    "may": "dürfen",
    "want": "wollen",
    "would like": "möchten",
    "have to": "müssen",
    "had to": "müssen",
    "wanted": "wollen",
}
_PARTICLES = ("up", "on", "off", "along", "away")
_REFLEXIVE = dict(zip(german.PERSONS, "mich dich sich uns sich".split(), strict=True))


@dataclass(frozen=True)
class NounPhrase:
    """`german` maps a case to the phrase; `person` is as in `german`.

    `pronoun` is the English subject pronoun that can stand for the phrase later, empty
    where English does not settle one.
    """

    english: str
    german: dict[str, str]
    person: str = "er"
    pronoun: str = ""
    english_object: str = ""  # where it differs: me
    is_pronoun: bool = False
    is_negative: bool = False  # carries the negation: kein
    is_indefinite: bool = False
    noun: Noun | None = None

    @property
    def owner(self) -> str:
        """The English possessive that points back to this phrase, or "my"."""
        return _POSSESSIVES.get(self.pronoun, "my")

    def as_phrase(self, case: str) -> Phrase:
        in_object = self.english_object if case != "nom" else ""
        return Phrase(in_object or self.english, self.german[case])


def _pronoun(row: Sequence[str]) -> NounPhrase:
    subject, english_object, _, *forms, person = row
    cases = dict(zip(german.CASES, forms, strict=True))
    return NounPhrase(subject, cases, person, subject, english_object, is_pronoun=True)


_PRONOUN_ROWS = [row.split() for row in vocabulary.PRONOUNS.strip().splitlines()]
PRONOUN = {row[0]: _pronoun(row) for row in _PRONOUN_ROWS}
_POSSESSIVES = {row[0]: row[2] for row in _PRONOUN_ROWS}


def it(noun: Noun) -> NounPhrase:
    """The pronoun for a thing: er, sie or es by the gender of its noun."""
    forms = {
        "m": {"nom": "er", "acc": "ihn"},
        "f": {"nom": "sie", "acc": "sie"},
        "n": {"nom": "es", "acc": "es"},
    }
    return NounPhrase("it", forms[noun.gender], is_pronoun=True)


def unchanging(english_: str, german_: str, pronoun: str = "") -> NounPhrase:
    """A subject that German does not inflect, such as a name."""
    return NounPhrase(english_, dict.fromkeys(german.CASES, german_), "er", pronoun)


def noun_phrase(
    noun: Noun,
    determiner: str,
    adjectives: Sequence[Adjective] = (),
    *,
    count: int = 1,
    is_negative: bool = False,
) -> NounPhrase:
    """Determiner, number, adjectives and noun; plural if `count` is not 1.

    A count above 1 is spelled out: two old cats; 0 is a plural without a number.
    `is_negative` replaces the determiner: not a cat, not any cats is keine Katze(n).
    """
    is_plural = count != 1 or noun.gender == "p"
    gender = "p" if is_plural else noun.gender
    stem = "kein" if is_negative else DETERMINERS[determiner]
    if is_negative:
        determiner = "any" if is_plural or noun.is_mass else "a"
    forms = {}
    for case in german.CASES:
        forms[case] = join(
            german.article(stem, case, gender),
            german.number(count) if count > 1 else "",
            *(german.adjective(word.german, stem, case, gender) for word in adjectives),
            german.noun(noun, case, is_plural),
        )
    words = [
        determiner,
        english.number(count) if count > 1 else "",
        *(word.english for word in adjectives),
        noun.english_plural if count != 1 else noun.english,
    ]
    pronoun = "he" if noun.is_in("he") else "she" if noun.is_in("she") else ""
    return NounPhrase(
        english.with_an(join(*words)),
        forms,
        person="sie" if is_plural else "er",
        pronoun="they" if is_plural else pronoun,
        is_negative=is_negative,
        is_indefinite=determiner in INDEFINITE,
        noun=noun,
    )


def together(first: NounPhrase, second: NounPhrase) -> NounPhrase:
    """Two people as one subject: Anna and my brother."""
    forms = {
        case: f"{first.german[case]} und {second.german[case]}" for case in german.CASES
    }
    return NounPhrase(f"{first.english} and {second.english}", forms, "sie", "they")


def prepositional(english_: str, german_: str, case: str, what: NounPhrase) -> Phrase:
    """The two prepositions, the second with its case, before the noun phrase."""
    phrase = what.as_phrase(case)
    return Phrase(
        f"{english_} {phrase.english}", german.contract(f"{german_} {phrase.german}")
    )


def at(place: Place, adjectives: Sequence[Adjective] = ()) -> Phrase:
    return prepositional(*place.at, "dat", noun_phrase(place.noun, "the", adjectives))


def to(place: Place, adjectives: Sequence[Adjective] = ()) -> Phrase:
    case = "dat" if place.to[1] == "zu" else "acc"
    return prepositional(*place.to, case, noun_phrase(place.noun, "the", adjectives))


@dataclass(frozen=True)
class Clause:
    """One verb and what belongs to it.

    `tense` is habit (English simple present), now (progressive), past, future, or one
    of `MODALS`. German has one present; its past is the perfect, but for sein, haben
    and the modal verbs. `often` is an adverb that English puts before the verb.
    """

    subject: NounPhrase
    verb: Verb
    tense: str = "habit"
    recipient: NounPhrase | None = None  # dative
    object: NounPhrase | None = None
    rest: Phrase | None = None  # last but for verbs: a place, a predicate
    time: Phrase | None = None
    often: Phrase | None = None
    is_negated: bool = False

    def statement(self) -> Phrase:
        """The verb second: Anna kauft einen Hut."""
        finite, tail, _ = self._german_verb()
        subject = self.subject.german["nom"]
        german_ = join(subject, finite, *self._middle(), tail)
        return Phrase(self._english_statement(), german_)

    def inverted(self) -> Phrase:
        """What follows a fronted phrase or clause: (heute) kauft Anna einen Hut."""
        return Phrase(self._english_statement(), self._german_first())

    def question(self) -> Phrase:
        """Kauft Anna einen Hut; English with its auxiliary first."""
        auxiliary, verb = self._english_verb(needs_auxiliary=True)
        negation = "not" if self.is_negated else ""
        rest = self._english_after(verb)
        english_ = join(auxiliary, self.subject.english, negation, rest)
        return Phrase(english_, self._german_first())

    def subordinate(self) -> Phrase:
        """The verb last: (weil) Anna einen Hut kauft."""
        *_, cluster = self._german_verb()
        german_ = join(self.subject.german["nom"], *self._middle(), cluster)
        return Phrase(self._english_statement(), german_)

    def infinitive(self) -> Phrase:
        """Without its subject: (to) buy a hat, einen Hut zu kaufen."""
        german_ = join(*self._middle(), german.zu_infinitive(self.verb))
        return Phrase(self._english_after(self.verb.english), german_)

    def command(self) -> Phrase:
        """To a du: (please) buy a hat, kauf bitte einen Hut."""
        middle = self._middle()
        early = middle.pop(0) if self.object and self.object.is_pronoun else ""
        verb = german.imperative(self.verb)
        return Phrase(
            self._english_after(self.verb.english),
            join(verb, early, "bitte", *middle, self.verb.prefix),
        )

    def formal_command(self) -> Phrase:
        """To a Sie: (please) buy a hat, (bitte) kaufen Sie einen Hut."""
        return Phrase(
            self._english_after(self.verb.english),
            join(self.verb.infinitive, "Sie", *self._middle(), self.verb.prefix),
        )

    def _english_verb(self, needs_auxiliary: bool) -> tuple[str, str]:
        person = {"ich": "I", "er": "he"}.get(self.subject.person, "you")
        verb = self.verb
        return english.verb_group(
            verb.english, verb.past, self.tense, person, needs_auxiliary
        )

    def _english_statement(self) -> str:
        auxiliary, verb = self._english_verb(needs_auxiliary=self.is_negated)
        if self.is_negated:
            auxiliary = "cannot" if auxiliary == "can" else f"{auxiliary} not"
        often = self.often.english if self.often else ""
        return join(self.subject.english, auxiliary, often, self._english_after(verb))

    def _english_after(self, verb: str) -> str:
        """The verb and what follows it."""
        given = [phrase for phrase in (self.recipient, self.object) if phrase]
        objects = [phrase.as_phrase("acc").english for phrase in given]
        base, _, particle = verb.rpartition(" ")
        if self.object and self.object.is_pronoun and particle in _PARTICLES:
            verb, objects = base, [*objects, particle]  # picks her up
        rest = [phrase.english for phrase in (self.rest, self.time) if phrase]
        return join(verb, *objects, *rest)

    def _german_first(self) -> str:
        finite, tail, _ = self._german_verb()
        middle = [self.subject.german["nom"], *self._middle()]
        if "reflexive" in self.verb.uses and not self.subject.is_pronoun:
            middle[:2] = reversed(middle[:2])  # heute freut sich Anna
        return join(finite, *middle, tail)

    def _middle(self) -> list[str]:
        """What German puts between the two parts of its verb.

        Time before objects, but for pronouns, and for what is denied: nicht stands
        after time and objects, before the rest.
        """
        case = "dat" if self.verb.is_dative else "acc"
        given = [(self.recipient, "dat"), (self.object, case)]
        objects = [(phrase, phrase.german[case]) for phrase, case in given if phrase]
        time = [phrase.german for phrase in (self.time, self.often) if phrase]
        needs_nicht = self.is_negated and not (self.object and self.object.is_negative)
        is_early = [phrase.is_pronoun or needs_nicht for phrase, _ in objects]
        early = [
            form for (_, form), first in zip(objects, is_early, strict=True) if first
        ]
        late = [
            form
            for (_, form), first in zip(objects, is_early, strict=True)
            if not first
        ]
        reflexive = (
            [_REFLEXIVE[self.subject.person]] if "reflexive" in self.verb.uses else []
        )
        nicht = ["nicht"] if needs_nicht else []
        rest = [self.rest.german] if self.rest and self.rest.german else []
        return [*reflexive, *early, *time, *late, *nicht, *rest]

    def _german_verb(self) -> tuple[str, str, str]:
        """(finite verb, rest of the verb in a main clause, all of it at the end)."""
        verb, person = self.verb, self.subject.person
        if self.tense in MODALS:
            is_past = self.tense in english.PAST_TENSES
            inflect = german.past_of if is_past else german.present_of
            finite, tail = inflect(MODALS[self.tense], person), german.infinitive(verb)
        elif self.tense == "future":
            finite, tail = german.present_of("werden", person), german.infinitive(verb)
        elif self.tense != "past":
            finite = german.present(verb, person)
            return finite, verb.prefix, verb.prefix + finite
        elif german.has_simple_past(verb.infinitive):
            finite = german.past_of(verb.infinitive, person)
            return finite, "", finite
        else:
            finite = german.present_of(verb.auxiliary, person)
            tail = german.participle(verb)
        return finite, tail, f"{tail} {finite}"


def join(*parts: str) -> str:
    return " ".join(part for part in parts if part)


def in_a_row(*phrases: Phrase) -> Phrase:
    return Phrase(
        join(*(phrase.english for phrase in phrases)),
        join(*(phrase.german for phrase in phrases)),
    )


def compose(english_: str, german_: str, *parts: Phrase) -> Phrase:
    """A sentence from its pattern in each language, whose {} the parts fill in."""
    texts = (
        english_.format(*(part.english for part in parts)),
        german_.format(*(part.german for part in parts)),
    )
    return Phrase(*(text[0].upper() + text[1:] for text in texts))
