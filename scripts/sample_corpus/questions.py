"""Kinds of questions and commands, and how often each is drawn.

Knows what to say; how it is inflected and ordered is `grammar`'s.
"""

from dataclasses import replace

from . import lexicon
from .choices import (
    TENSES,
    WHO,
    action,
    asked_person,
    describe,
    named,
    object_of,
    request,
)
from .grammar import Clause, NounPhrase, compose, in_a_row, noun_phrase
from .lexicon import VERB, Phrase, word_for_word
from .moments import Rng, time_of
from .simple import Template

FORMAL_YOU = NounPhrase("you", {"nom": "Sie", "acc": "Sie", "dat": "Ihnen"}, "sie")


def yes_no_question(rng: Rng) -> Phrase:
    tense = rng.choice((*TENSES, "can", "have to", "want", "should"))
    clause = action(rng, asked_person(rng), tense)
    if rng.random() < 0.4 or tense in ("past", "habit"):
        clause = replace(clause, time=time_of(rng, tense))
    return compose("{}?", "{}?", clause.question())


def why_or_when(rng: Rng) -> Phrase:
    word = rng.choice(lexicon.phrases("why = warum\nwhen = wann"))
    tense = rng.choice(("past", "future", "can", "want", "should"))
    if word.english == "why":
        tense = rng.choice(("now", tense))
    clause = action(rng, asked_person(rng), tense)
    return compose("{} {}?", "{} {}?", word, clause.question())


def where_to_do_it(rng: Rng) -> Phrase:
    verb = VERB[rng.choice(("buy", "meet", "find", "lose", "see", "repair"))]
    is_lasting = "stative" not in verb.uses
    tense = rng.choice(("past", "now" if is_lasting else "past", "can"))
    if verb.english == "lose":
        tense = "past"
    subject = asked_person(rng)
    clause = Clause(subject, verb, tense, object=object_of(rng, verb, subject, "past"))
    return compose("where {}?", "wo {}?", clause.question())


def which_or_how_many(rng: Rng) -> Phrase:
    verbs = (
        "buy", "read", "wear", "sell", "wash", "repair", "put on", "take off", "try on",
        "turn on", "open", "bring along", "throw away",
    )  # fmt: skip
    verb = VERB[rng.choice(verbs)]
    noun = rng.choice(lexicon.countable_nouns_of(*verb.objects))
    clause = Clause(
        asked_person(rng), verb, rng.choice(("now", "past", "want", "future"))
    )
    if rng.random() < 0.3:
        many = in_a_row(
            word_for_word("how many", "wie viele"),
            noun_phrase(noun, "", count=0).as_phrase("acc"),
        )
        return compose("{} {}?", "{} {}?", many, clause.question())
    count = 0 if rng.random() < 0.3 else 1
    which = noun_phrase(noun, "which", describe(rng, noun, 0.2), count=count)
    return compose("{} {}?", "{} {}?", which.as_phrase("acc"), clause.question())


def who_question(rng: Rng) -> Phrase:
    tense = rng.choice(("now", "past", "habit", "future", "can", "have to"))
    clause = action(rng, WHO, tense)
    if rng.random() < 0.4 or tense == "past":
        clause = replace(clause, time=time_of(rng, tense))
    return compose("{}?", "{}?", clause.statement())


def command(rng: Rng) -> Phrase:
    """To a du; the name in front says so."""
    name = named(rng).as_phrase("nom")
    wish = request(rng).command()
    return compose("{}, please/1:please {}.", "{}, {}.", name, wish)


def formal_command(rng: Rng) -> Phrase:
    """To a Sie; the title says so."""
    title = rng.choice(lexicon.phrases("Mr = Herr\nMrs = Frau"))
    surname = rng.choice(lexicon.SURNAMES)
    person = in_a_row(title, Phrase(surname, surname))
    clause = request(rng)
    if rng.random() < 0.5:
        wish = clause.formal_command()
        return compose("please {}, {}.", "bitte {}, {}.", wish, person)
    tense = rng.choice(("can", "have to", "want", "would like"))
    question = replace(clause, subject=FORMAL_YOU, tense=tense).question()
    return compose("{}, {}?", "{}, {}?", person, question)


QUESTIONS: list[tuple[int, Template]] = [
    (7, yes_no_question),
    (4, why_or_when),
    (3, where_to_do_it),
    (4, which_or_how_many),
    (3, who_question),
    (5, command),
    (4, formal_command),
]
