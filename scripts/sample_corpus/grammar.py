"""Noun phrases and clauses in two languages at once. Chooses nothing.

A `Clause` says what is meant; its methods put that in the word orders of the two
languages: the German verb second, first or last, the English with or without do.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from . import english, german, vocabulary
from .lexicon import Adjective, Noun, Phrase, Place, Verb
from .marks import marked, plain, within

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
# What not says is in nicht, or in the kein of an object.
_NOT = ("not", "object:not")
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
        articles = ("article", "not") if is_negative else ("article",)
        forms[case] = join(
            marked(german.article(stem, case, gender), *articles),
            marked(german.number(count), "count") if count > 1 else "",
            *(
                marked(german.adjective(word.german, stem, case, gender), "adjective")
                for word in adjectives
            ),
            marked(german.noun(noun, case, is_plural), "noun"),
        )
    words = [
        marked(determiner, "article"),
        marked(english.number(count), "count") if count > 1 else "",
        *(marked(word.english, "adjective") for word in adjectives),
        marked(noun.english_plural if count != 1 else noun.english, "noun"),
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
    both = {
        case: arrange(
            "{} and {}", "{} und {}", first.as_phrase(case), second.as_phrase(case)
        )
        for case in german.CASES
    }
    forms = {case: phrase.german for case, phrase in both.items()}
    return NounPhrase(both["nom"].english, forms, "sie", "they")


def prepositional(english_: str, german_: str, case: str, what: NounPhrase) -> Phrase:
    """The two prepositions, the second with its case, before the noun phrase."""
    phrase = arrange(f"{english_} {{}}", f"{german_} {{}}", what.as_phrase(case))
    return Phrase(phrase.english, german.contract(phrase.german))


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
        german_ = join(self._german_subject(), finite, *self._middle(), tail)
        return Phrase(self._english_statement(), german_)

    def inverted(self) -> Phrase:
        """What follows a fronted phrase or clause: (heute) kauft Anna einen Hut."""
        return Phrase(self._english_statement(), self._german_first())

    def question(self) -> Phrase:
        """Kauft Anna einen Hut; English with its auxiliary first."""
        auxiliary, verb = self._english_verb(needs_auxiliary=True)
        negation = marked("not", *_NOT) if self.is_negated else ""
        rest = self._english_after(verb)
        english_ = join(auxiliary, self._english_subject(), negation, rest)
        return Phrase(english_, self._german_first())

    def subordinate(self) -> Phrase:
        """The verb last: (weil) Anna einen Hut kauft."""
        *_, cluster = self._german_verb()
        german_ = join(self._german_subject(), *self._middle(), cluster)
        return Phrase(self._english_statement(), german_)

    def infinitive(self) -> Phrase:
        """Without its subject: to buy a hat, einen Hut zu kaufen."""
        german_ = join(*self._middle(), german.zu_infinitive(self.verb))
        return Phrase(f"to/to {self._english_base()}", german_)

    def command(self) -> Phrase:
        """To a du: (please) buy a hat, kauf bitte einen Hut."""
        middle = self._middle()
        early = middle.pop(0) if self.object and self.object.is_pronoun else ""
        verb = marked(german.imperative(self.verb), "verb")
        prefix = marked(self.verb.prefix, "verb")
        german_ = join(verb, early, "bitte/please", *middle, prefix)
        return Phrase(self._english_base(), german_)

    def formal_command(self) -> Phrase:
        """To a Sie: (please) buy a hat, (bitte) kaufen Sie einen Hut."""
        verb = marked(self.verb.infinitive, "verb")
        prefix = marked(self.verb.prefix, "verb")
        german_ = join(verb, "Sie", *self._middle(), prefix)
        return Phrase(self._english_base(), german_)

    def _english_subject(self) -> str:
        return within(self.subject.english, "subject")

    def _german_subject(self) -> str:
        return within(self.subject.german["nom"], "subject")

    def _english_verb(self, needs_auxiliary: bool) -> tuple[str, str]:
        person = {"ich": "I", "er": "he"}.get(self.subject.person, "you")
        verb = self.verb
        return english.verb_group(
            verb.english, verb.past, self.tense, person, needs_auxiliary
        )

    def _english_statement(self) -> str:
        auxiliary, verb = self._english_verb(needs_auxiliary=self.is_negated)
        if self.is_negated and plain(auxiliary) == "can":
            auxiliary = marked("cannot", "finite", "modal", *_NOT)
        elif self.is_negated:
            auxiliary = f"{auxiliary} {marked('not', *_NOT)}"
        often = within(self.often.english, "often") if self.often else ""
        rest = self._english_after(verb)
        return join(self._english_subject(), auxiliary, often, rest)

    def _english_base(self) -> str:
        return self._english_after(marked(self.verb.english, "verb"))

    def _english_after(self, verb: str) -> str:
        """The verb and what follows it."""
        given = [("recipient", self.recipient), ("object", self.object)]
        objects = [
            within(phrase.as_phrase("acc").english, role)
            for role, phrase in given
            if phrase
        ]
        base, _, particle = verb.rpartition(" ")
        if self.object and self.object.is_pronoun and plain(particle) in _PARTICLES:
            verb, objects = base, [*objects, particle]  # picks her up
        late = [("rest", self.rest), ("time", self.time)]
        rest = [within(phrase.english, role) for role, phrase in late if phrase]
        return join(verb, *objects, *rest)

    def _german_first(self) -> str:
        finite, tail, _ = self._german_verb()
        middle = [self._german_subject(), *self._middle()]
        if "reflexive" in self.verb.uses and not self.subject.is_pronoun:
            middle[:2] = reversed(middle[:2])  # heute freut sich Anna
        return join(finite, *middle, tail)

    def _middle(self) -> list[str]:
        """What German puts between the two parts of its verb.

        Time before objects, but for pronouns, and for what is denied: nicht stands
        after time and objects, before the rest.
        """
        case = "dat" if self.verb.is_dative else "acc"
        given = [
            ("recipient", self.recipient, "dat"),
            ("object", self.object, case),
        ]
        objects = [
            (phrase, within(phrase.german[case], role))
            for role, phrase, case in given
            if phrase
        ]
        adverbs = [("time", self.time), ("often", self.often)]
        time = [within(phrase.german, role) for role, phrase in adverbs if phrase]
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
            [marked(_REFLEXIVE[self.subject.person], "verb")]
            if "reflexive" in self.verb.uses
            else []
        )
        nicht = ["nicht/not"] if needs_nicht else []
        rest = [within(self.rest.german, "rest")] if self.rest else []
        return [*reflexive, *early, *time, *late, *nicht, *rest]

    def _german_verb(self) -> tuple[str, str, str]:
        """(finite verb, rest of the verb in a main clause, all of it at the end).

        Marked as `english.verb_group` marks.
        """
        verb, person = self.verb, self.subject.person
        if self.tense in MODALS:
            is_past = self.tense in english.PAST_TENSES
            inflect = german.past_of if is_past else german.present_of
            finite = marked(inflect(MODALS[self.tense], person), "finite", "modal")
            tail = marked(german.infinitive(verb), "verb")
        elif self.tense == "future":
            finite = marked(german.present_of("werden", person), "finite")
            tail = marked(german.infinitive(verb), "verb")
        elif self.tense != "past":
            finite = marked(german.present(verb, person), "finite", "verb")
            return finite, marked(verb.prefix, "verb"), verb.prefix + finite
        elif german.has_simple_past(verb.infinitive):
            finite = german.past_of(verb.infinitive, person)
            finite = marked(finite, "finite", "verb")
            return finite, "", finite
        else:
            finite = marked(german.present_of(verb.auxiliary, person), "finite")
            tail = marked(german.participle(verb), "verb")
        return finite, tail, f"{tail} {finite}"


def join(*parts: str) -> str:
    return " ".join(part for part in parts if part)


def in_a_row(*phrases: Phrase) -> Phrase:
    return Phrase(
        join(*(within(phrase.english, str(n)) for n, phrase in enumerate(phrases))),
        join(*(within(phrase.german, str(n)) for n, phrase in enumerate(phrases))),
    )


def arrange(english_: str, german_: str, *parts: Phrase) -> Phrase:
    """A phrase from its pattern in each language, whose {} the parts fill in.

    A pattern's own words, unless they are marked, mean the other pattern's own words.
    """
    return Phrase(
        _fill(english_, [part.english for part in parts]),
        _fill(german_, [part.german for part in parts]),
    )


def _fill(pattern: str, parts: Sequence[str]) -> str:
    words = [
        word if "{" in word or "/" in word else marked(word, "own")
        for word in pattern.split(" ")
    ]
    return " ".join(words).format(
        *(within(part, str(n)) for n, part in enumerate(parts))
    )


def compose(english_: str, german_: str, *parts: Phrase) -> Phrase:
    """A sentence, arranged like a phrase."""
    phrase = arrange(english_, german_, *parts)
    texts = phrase.english, phrase.german
    return Phrase(*(text[0].upper() + text[1:] for text in texts))
