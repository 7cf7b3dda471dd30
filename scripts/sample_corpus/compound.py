"""Kinds of sentences with two clauses, and how often each is drawn.

Knows what to say; how it is inflected and ordered is `grammar`'s.
"""

from dataclasses import replace

from . import german, lexicon
from .choices import (
    BAD_WEATHER,
    FINE_WEATHER,
    action,
    again,
    chore,
    describe,
    doing,
    effect_and_cause,
    feeling,
    going,
    known_person,
    outing,
    quality,
    someone,
    weather,
)
from .grammar import (
    PRONOUN,
    Clause,
    NounPhrase,
    compose,
    in_a_row,
    it,
    noun_phrase,
    prepositional,
    to,
)
from .lexicon import KNOW_A_FACT, NOUN, PLACES, VERB, Noun, Phrase, word_for_word
from .moments import Rng, time_of, weekday
from .simple import Template

_FREE_TIME = lexicon.phrases("enough time = genug Zeit\na day off = einen Tag frei")
_PURPOSES = [
    ("market supermarket city", ("buy", "shop")),
    ("station airport", ("pick up",)),
    ("library park café garden", ("read",)),
    ("library school office", ("study",)),
    ("park café city restaurant cinema", ("meet",)),
    ("hospital village", ("visit",)),
    ("restaurant kitchen", ("eat", "drink")),
    ("lake", ("swim",)),
    ("garden park", ("play", "dance")),
    ("office library", ("write", "translate")),
    ("garage cellar", ("repair",)),
]


def because(rng: Rng) -> Phrase:
    effect, cause = effect_and_cause(rng, known_person(rng, or_me=0.4))
    parts = effect.statement(), cause.subordinate()
    return compose("{} because {}.", "{}, weil {}.", *parts)


def absence(rng: Rng) -> Phrase:
    subject = known_person(rng)
    event = noun_phrase(
        NOUN[rng.choice(("party", "concert", "wedding", "game"))], "the"
    )
    rest = prepositional("to", "zu", "dat", event)
    tense = rng.choice(("can", "want"))
    coming = Clause(subject, VERB["come"], tense, rest=rest, is_negated=True)
    cause = chore(rng, again(subject), rng.choice(("must", "must", "want")))
    parts = coming.statement(), cause.subordinate()
    return compose("{} because {}.", "{}, weil {}.", *parts)


def although(rng: Rng) -> Phrase:
    subject = known_person(rng)
    tense = rng.choice(("now", "past"))
    if rng.random() < 0.5:
        clause = chore(rng, subject, tense)
        state_tense = "habit" if tense == "now" else "past"
        against = feeling(rng, again(subject), state_tense)
        while against.rest == Phrase("happy", "glücklich"):
            against = feeling(rng, again(subject), state_tense)
    else:
        clause, against = outing(rng, subject, tense), weather(rng, tense)
        if rng.random() < 0.5:
            parts = against.subordinate(), clause.inverted()
            return compose("although {}, {}.", "obwohl {}, {}.", *parts)
    parts = clause.statement(), against.subordinate()
    return compose("{} although {}.", "{}, obwohl {}.", *parts)


def that_clause(rng: Rng) -> Phrase:
    tense = rng.choice(("past", "future", "must", "want", "now", "can"))
    clause = action(rng, someone(rng), tense)
    if tense in ("past", "future"):
        clause = replace(clause, time=time_of(rng, tense))
    verb = rng.choice((VERB["believe"], VERB["hope"], VERB["say"], KNOW_A_FACT))
    is_negated = verb == VERB["believe"] and rng.random() < 0.3
    main = Clause(someone(rng), verb, is_negated=is_negated)
    parts = main.statement(), clause.subordinate()
    return compose("{} that {}.", "{}, dass {}.", *parts)


def whether(rng: Rng) -> Phrase:
    knower = known_person(rng, or_me=0.6)
    tense = rng.choice(("future", "past", "can", "want"))
    clause = action(rng, someone(rng), tense)
    if tense in ("future", "past"):
        clause = replace(clause, time=time_of(rng, tense))
    if clause.subject.pronoun == knower.pronoun:
        return whether(rng)
    main = Clause(knower, KNOW_A_FACT, is_negated=True)
    parts = main.statement(), clause.subordinate()
    return compose("{} whether {}.", "{}, ob {}.", *parts)


def if_clause(rng: Rng) -> Phrase:
    """The fronted clause inverts the German main clause."""
    subject = known_person(rng, or_me=0.4)
    time = rng.choice(
        (*lexicon.FUTURE_TIMES[:2], Phrase("today", "heute"), weekday(rng))
    )
    if rng.random() < 0.5:
        kind = rng.random()
        condition = weather(rng, "habit", FINE_WEATHER if kind < 0.5 else BAD_WEATHER)
        if kind < 0.5:
            main = outing(rng, subject, "future")
        elif kind < 0.75:
            main = doing(rng, VERB["put on"], subject, "future")
        else:
            home = word_for_word("at home", "zu Hause")
            main = Clause(subject, VERB["stay"], "future", rest=home)
    else:
        free = rng.choice(_FREE_TIME)
        condition = Clause(subject, VERB["have"], rest=free)
        main = chore(rng, again(subject), "future")
    parts = replace(condition, time=time).subordinate(), main.inverted()
    return compose("if {}, {}.", "wenn {}, {}.", *parts)


def before(rng: Rng) -> Phrase:
    subject = known_person(rng)
    tense = rng.choice(("past", "future"))
    later = going(rng, subject, "habit" if tense == "future" else "past")
    main = chore(rng, again(subject), tense)
    parts = later.subordinate(), main.inverted()
    return compose("before {}, {}.", "bevor {}, {}.", *parts)


def while_clause(rng: Rng) -> Phrase:
    first, second = _two_actions(rng, "now")
    parts = first.subordinate(), second.inverted()
    return compose("while {}, {}.", "während {}, {}.", *parts)


def coordination(rng: Rng) -> Phrase:
    first, second = _two_actions(rng, rng.choice(("now", "future", "must", "want")))
    parts = first.statement(), second.statement()
    if rng.random() < 0.5:
        return compose("{}, and {}.", "{}, und {}.", *parts)
    return compose("{}, but {}.", "{}, aber {}.", *parts)


def _two_actions(rng: Rng, tense: str) -> tuple[Clause, Clause]:
    first, second = known_person(rng), known_person(rng)
    if first.english == second.english:
        return _two_actions(rng, tense)
    return action(rng, first, tense), action(rng, second, tense)


def purpose(rng: Rng) -> Phrase:
    """To do something is um ... zu, with zu inside a separable verb."""
    subject = known_person(rng, or_me=0.4)
    places, verbs = rng.choice(_PURPOSES)
    tense = rng.choice(("now", "past", "future", "want"))
    main = Clause(
        subject,
        VERB["go"],
        tense,
        rest=to(PLACES[rng.choice(places.split())]),
        time=time_of(rng, tense) if rng.random() < 0.4 else None,
    )
    verb = VERB[rng.choice(verbs)]
    goal = doing(rng, verb, again(subject), "past", may_place=False)
    parts = main.statement(), goal.infinitive()
    return compose("{} {}.", "{}, um/1:to {}.", *parts)


def trying(rng: Rng) -> Phrase:
    subject = known_person(rng, or_me=0.4)
    verb = VERB[rng.choice(("try", "forget", "begin", "promise"))]
    main = Clause(subject, verb, "past")
    goal = chore(rng, again(subject), "past")
    parts = main.statement(), goal.infinitive()
    return compose("{} {}.", "{}, {}.", *parts)


def relative_as_subject(rng: Rng) -> Phrase:
    """The relative pronoun agrees with its noun; its clause has the verb last."""
    people = [noun for noun in lexicon.nouns_of("person") if not noun.is_in("owned")]
    noun = rng.choice(people)
    head, pronoun = _head(rng, noun)
    who = replace(head, english="who", german={"nom": pronoun["nom"]}, is_pronoun=True)
    inner = action(rng, who, rng.choice(("now", "past")))
    return _described(rng, noun, head, inner, Phrase("", ""))


def relative_as_object(rng: Rng) -> Phrase:
    verbs = (
        "buy", "read", "wear", "need", "repair", "find", "sell", "put on", "open",
        "throw away", "bring along", "look for", "paint",
    )  # fmt: skip
    verb = VERB[rng.choice(verbs)]
    nouns = lexicon.countable_nouns_of(*verb.objects)
    noun = rng.choice([noun for noun in nouns if lexicon.adjectives_of(noun)])
    head, pronoun = _head(rng, noun)
    tense = rng.choice(("now", "past", "want"))
    if "stative" in verb.uses:
        tense = "habit" if verb.english == "need" else "past"
    time = time_of(rng, tense) if tense == "past" else None
    inner = Clause(known_person(rng), verb, tense, time=time)
    that = Phrase("that", pronoun["acc"])
    return _described(rng, noun, head, inner, that)


def _head(rng: Rng, noun: Noun) -> tuple[NounPhrase, dict[str, str]]:
    """The noun with its article, and its relative pronoun by case."""
    is_plural = rng.random() < 0.3
    gender = "p" if is_plural else noun.gender
    pronoun = {case: german.article("der", case, gender) for case in ("nom", "acc")}
    return noun_phrase(noun, "the", count=0 if is_plural else 1), pronoun


def _described(
    rng: Rng,
    noun: Noun,
    head: NounPhrase,
    inner: Clause,
    that: Phrase,
) -> Phrase:
    """The head, its relative clause, and what it is like."""
    is_like = quality(rng, rng.choice(lexicon.adjectives_of(noun)))
    rest = Clause(
        replace(head, english="", german={"nom": ""}), VERB["be"], rest=is_like
    )
    relative = in_a_row(that, inner.subordinate())
    parts = head.as_phrase("nom"), relative, rest.statement()
    return compose("{} {} {}.", "{}, {}, {}.", *parts)


def it_is_not(rng: Rng) -> Phrase:
    """It is er, sie or es by the gender of what it stands for."""
    noun = _describable(rng)
    first, second = rng.sample(lexicon.adjectives_of(noun), 2)
    subject = noun_phrase(noun, rng.choice(("the", "this")))
    states = [Phrase(word.english, word.german) for word in (first, second)]
    thing_is = Clause(subject, VERB["be"], rest=states[0])
    it_is = Clause(it(noun), VERB["be"], rest=states[1], is_negated=True)
    return compose(
        "{}, but {}.", "{}, aber {}.", thing_is.statement(), it_is.statement()
    )


def buying_it(rng: Rng) -> Phrase:
    """It again, as the object and as the subject of a reason."""
    person, noun = known_person(rng), _describable(rng)
    verbs = [
        VERB[word] for word in ("buy", "sell", "read", "repair", "clean", "prepare")
    ]
    verb = rng.choice([verb for verb in verbs if noun.is_in(*verb.objects)] or [None])
    if verb is None:
        return buying_it(rng)
    adjective = rng.choice(lexicon.adjectives_of(noun))
    state = Phrase(adjective.english, adjective.german)
    tense = rng.choice(("past", "want"))
    what = noun_phrase(noun, "the")
    if verb.english == "buy" and rng.random() < 0.7:
        why = Clause(it(noun), VERB["be"], rest=state).subordinate()
        doing_it = Clause(person, verb, tense, object=what).statement()
        return compose("{} because {}.", "{}, weil {}.", doing_it, why)
    thing_is = Clause(what, VERB["be"], rest=state).statement()
    doing_it = Clause(person, verb, tense, object=it(noun)).statement()
    return compose("{}, and {}.", "{}, und {}.", thing_is, doing_it)


def _describable(rng: Rng) -> Noun:
    classes = ("clothes", "furniture", "vehicle", "reading", "thing", "building")
    return rng.choice(lexicon.countable_nouns_of(*classes, "device", "event", "room"))


def where_it_is(rng: Rng) -> Phrase:
    classes = ("lost", "clothes", "luggage", "upright", "flat")
    noun = rng.choice(lexicon.countable_nouns_of(*classes))
    person = PRONOUN[rng.choice(("I", "he", "she", "we", "they"))]
    what = noun_phrase(
        noun, rng.choice(("the", person.owner)), describe(rng, noun, 0.3)
    )
    not_knowing = Clause(person, KNOW_A_FACT, is_negated=True).statement()
    if rng.random() < 0.5:
        where = Clause(what, VERB["be"]).subordinate()
        return compose("{} where {}.", "{}, wo {}.", not_knowing, where)
    looking = Clause(person, VERB["look for"], "now", object=what).statement()
    where = Clause(it(noun), VERB["be"]).subordinate()
    parts = looking, not_knowing, where
    return compose(
        "{}, but/but {} where/where {}.", "{}, aber/but {}, wo/where {}.", *parts
    )


COMPOUND: list[tuple[int, Template]] = [
    (7, because),
    (4, absence),
    (6, although),
    (7, that_clause),
    (4, whether),
    (6, if_clause),
    (4, before),
    (4, while_clause),
    (4, coordination),
    (5, purpose),
    (5, trying),
    (5, relative_as_subject),
    (5, relative_as_object),
    (3, it_is_not),
    (4, buying_it),
    (4, where_it_is),
]
