"""Kinds of sentences with one clause, and how often each is drawn.

Knows what to say; how it is inflected and ordered is `grammar`'s.
"""

from collections.abc import Callable
from dataclasses import replace

from . import english, german, lexicon
from .choices import (
    TENSES,
    action,
    arrangement,
    describe,
    doing,
    feeling,
    giving,
    known_person,
    named,
    object_of,
    other_person,
    quality,
    someone,
)
from .grammar import (
    MODALS,
    PRONOUN,
    Clause,
    arrange,
    at,
    compose,
    in_a_row,
    noun_phrase,
    prepositional,
    to,
)
from .lexicon import NOUN, PLACES, VERB, Phrase, word_for_word
from .marks import marked, within
from .moments import Rng, time_of

Template = Callable[[Rng], Phrase]
_TODAY = [Phrase("today", "heute"), Phrase("now", "jetzt")]
_HOME_FURNITURE = ("kitchen", "cellar", "garage", "office", "library", "hotel")
_OUTDOORS = ("garden", "park", "forest", "farm", "village", "zoo")


def told(clause: Clause) -> Phrase:
    return compose("{}.", "{}.", clause.statement())


def asked(clause: Clause) -> Phrase:
    return compose("{}?", "{}?", clause.question())


def told_after(first: Phrase, clause: Clause) -> Phrase:
    """Fronted: today Anna is buying a hat, heute kauft Anna einen Hut."""
    return compose("{} {}.", "{} {}.", first, clause.inverted())


# What people do


def plain_statement(rng: Rng) -> Phrase:
    tense = rng.choice(TENSES)
    return told(replace(action(rng, someone(rng), tense), time=time_of(rng, tense)))


def fronted_time(rng: Rng) -> Phrase:
    tense = rng.choice(TENSES)
    return told_after(time_of(rng, tense), action(rng, someone(rng), tense))


def meal(rng: Rng) -> Phrase:
    verb = VERB[rng.choice(("eat", "eat", "drink"))]
    tense = rng.choice(("now", "past", "habit", "would like"))
    clause = doing(rng, verb, someone(rng), tense)
    return told(replace(clause, time=time_of(rng, tense)))


def frequency(rng: Rng) -> Phrase:
    often = rng.choice(lexicon.OFTEN)
    return told(replace(action(rng, someone(rng), "habit"), often=often))


def modal_verb(rng: Rng) -> Phrase:
    tense = rng.choice(list(MODALS))
    clause = action(rng, someone(rng), tense)
    if rng.random() < 0.6 and tense != "may":
        clause = replace(clause, time=time_of(rng, tense))
    return told(clause)


def negated_with_nicht(rng: Rng) -> Phrase:
    tense = rng.choice(("now", "past", "future", "can", "want", "should", "may"))
    clause = action(rng, someone(rng), tense)
    if clause.object and clause.object.is_indefinite:
        return negated_with_nicht(rng)
    return told(replace(clause, is_negated=True))


def negated_with_kein(rng: Rng) -> Phrase:
    verbs = ("eat", "drink", "buy", "read", "write", "order", "bake", "sell", "peel")
    verb = VERB[rng.choice(verbs)]
    noun = rng.choice(lexicon.nouns_of(*verb.objects))
    is_plural = noun.is_in("paired") or (noun.is_countable and rng.random() < 0.4)
    count = 0 if is_plural else 1
    adjectives = describe(rng, noun, 0.3)
    what = noun_phrase(noun, "a", adjectives, count=count, is_negative=True)
    tense = rng.choice(("now", "past", "future", "want"))
    return told(Clause(someone(rng), verb, tense, object=what, is_negated=True))


def possession(rng: Rng) -> Phrase:
    classes = ("pet", "vehicle", "clothes", "luggage", "lost", "device", "home")
    noun = rng.choice(lexicon.nouns_of(*classes))
    is_negated = rng.random() < 0.35
    count = rng.choice((1, 1, 1, 1 if is_negated else rng.randint(2, 9)))
    if noun.is_in("paired"):
        count = 0
    what = noun_phrase(
        noun,
        "a" if count == 1 else "",
        describe(rng, noun, 0.6),
        count=count,
        is_negative=is_negated,
    )
    tense = rng.choice(("habit", "habit", "past"))
    return told(
        Clause(someone(rng), VERB["have"], tense, object=what, is_negated=is_negated)
    )


def need_know_or_love(rng: Rng) -> Phrase:
    subject = someone(rng)
    verb = VERB[rng.choice(("need", "love", "know"))]
    return told(Clause(subject, verb, object=object_of(rng, verb, subject, "stative")))


def liking_to(rng: Rng) -> Phrase:
    """English likes to read, German reads gladly: gern."""
    subject = someone(rng)
    clause = action(rng, subject, "habit")
    if clause.verb.english in ("pick up", "get up", "wake up", "fall asleep", "wait"):
        return liking_to(rng)
    likes = "likes" if subject.person == "er" else "like"
    gladly = replace(clause, often=Phrase("", "gern")).statement()
    who = within(subject.english, "subject")
    liking = f"{who} {likes}/finite/often {clause.infinitive().english}"
    return compose("{}.", "{}.", Phrase(liking, gladly.german))


def giving_something(rng: Rng) -> Phrase:
    tense = rng.choice(("now", "past", "future", "want", "must"))
    return told(giving(rng, someone(rng), tense))


def buying_for_someone(rng: Rng) -> Phrase:
    subject = someone(rng)
    noun = rng.choice(
        lexicon.countable_nouns_of("clothes", "reading", "thing", "baked")
    )
    verb = VERB["bake" if noun.is_in("baked") else "buy"]
    tense = rng.choice(("now", "past", "future", "would like"))
    return told(
        Clause(
            subject,
            verb,
            tense,
            object=noun_phrase(noun, "a", describe(rng, noun, 0.5)),
            rest=prepositional("for", "für", "acc", other_person(rng, subject)),
            time=time_of(rng, tense) if rng.random() < 0.5 else None,
        )
    )


# How things and people are


def predicate(rng: Rng) -> Phrase:
    noun = rng.choice([noun for noun in lexicon.NOUNS if lexicon.adjectives_of(noun)])
    is_plural = noun.is_countable and rng.random() < 0.3
    determiner = rng.choice(("the", "the", "these" if is_plural else "this"))
    if noun.is_in("kin", "owned"):
        determiner = "my"
    elif not noun.is_countable:
        determiner = "the"
    if noun.is_in("paired"):
        is_plural = True
    subject = noun_phrase(noun, determiner, count=0 if is_plural else 1)
    rest = quality(rng, rng.choice(lexicon.adjectives_of(noun)))
    tense = rng.choice(("habit", "habit", "past"))
    return told(Clause(subject, VERB["be"], tense, rest=rest))


def state_of_mind(rng: Rng) -> Phrase:
    tense = rng.choice(("habit", "past"))
    clause = feeling(rng, someone(rng), tense)
    time = rng.choice(lexicon.PAST_TIMES if tense == "past" else _TODAY)
    return told(replace(clause, time=time, is_negated=rng.random() < 0.3))


def comparison(rng: Rng) -> Phrase:
    noun = rng.choice([noun for noun in lexicon.NOUNS if noun.is_countable])
    others = lexicon.countable_nouns_of(noun.classes[0])
    fitting = [word for word in lexicon.adjectives_of(noun) if word.comparative]
    other = rng.choice(others)
    if not fitting or other is noun:
        return comparison(rng)
    adjective = rng.choice(fitting)
    if adjective not in lexicon.adjectives_of(other):
        return comparison(rng)
    subject, than = (
        noun_phrase(word, "my" if word.is_in("kin", "owned") else "the")
        for word in (noun, other)
    )
    if rng.random() < 0.6:
        more = english.comparative(adjective.english)
        degree = Phrase(
            f"{marked(more, 'more')} than/than",
            f"{adjective.comparative}/more als/than",
        )
        is_negated = False
    else:
        degree = word_for_word(
            f"as {adjective.english} as", f"so {adjective.german} wie"
        )
        is_negated = rng.random() < 0.5
    rest = in_a_row(degree, than.as_phrase("nom"))
    return told(Clause(subject, VERB["be"], rest=rest, is_negated=is_negated))


def profession(rng: Rng) -> Phrase:
    """German has no article before a profession, and a feminine form."""
    relatives = [noun for noun in lexicon.nouns_of("he", "she") if noun.is_in("kin")]
    subject = rng.choice((named(rng), noun_phrase(rng.choice(relatives), "my")))
    job, *german_forms = rng.choice(lexicon.JOBS)
    german_job = german_forms[subject.pronoun == "she"]
    tense = rng.choice(("habit", "past", "want"))
    verb = VERB["become" if tense == "want" else "be"]
    rest = Phrase(english.with_an(f"a {job}/job"), f"{german_job}/job")
    return told(Clause(subject, verb, tense, rest=rest))


def belonging(rng: Rng) -> Phrase:
    classes = ("thing", "vehicle", "clothes", "pet", "home", "reading")
    noun = rng.choice(lexicon.countable_nouns_of(*classes))
    is_plural = rng.random() < 0.3
    determiner = rng.choice(("the", "these" if is_plural else "this"))
    count = 0 if is_plural else 1
    clause = Clause(
        noun_phrase(noun, determiner, describe(rng, noun), count=count),
        VERB["belong"],
        rest=in_a_row(
            Phrase("to", ""), other_person(rng, PRONOUN["I"]).as_phrase("dat")
        ),
        is_negated=rng.random() < 0.2,
    )
    return asked(clause) if rng.random() < 0.25 else told(clause)


# Where things are and people go


def there_is(rng: Rng) -> Phrase:
    heading, places = rng.choice(
        (
            ("animal", _OUTDOORS),
            ("plant", _OUTDOORS),
            ("furniture", _HOME_FURNITURE),
            ("person", tuple(PLACES)),
        )
    )
    noun = rng.choice(lexicon.nouns_of(heading))
    if heading == "person":
        noun = NOUN[
            rng.choice(("tourist", "child", "pupil", "student", "guest", "man"))
        ]
    count = rng.choice((1, rng.randint(2, 20), rng.randint(2, 60)))
    what = noun_phrase(
        noun, "a" if count == 1 else "", describe(rng, noun), count=count
    )
    there = word_for_word("there is" if count == 1 else "there are", "es gibt")
    where = at(PLACES[rng.choice(places)])
    return compose("{} {} {}.", "{} {} {}.", there, what.as_phrase("acc"), where)


def lying_somewhere(rng: Rng) -> Phrase:
    """Two-way prepositions with the dative: where something is."""
    noun, how, relation, where = arrangement(rng)
    count = 0 if rng.random() < 0.3 else 1
    determiner = rng.choice(("the", "my", "your"))
    subject = noun_phrase(noun, determiner, describe(rng, noun, 0.3), count=count)
    rest = prepositional(*relation, "dat", where)
    clause = Clause(subject, lexicon.POSITIONS[how], "now", rest=rest)
    if rng.random() < 0.25:
        return asked(clause)
    return told(replace(clause, is_negated=rng.random() < 0.2))


def putting_somewhere(rng: Rng) -> Phrase:
    """Two-way prepositions with the accusative: where something goes."""
    noun, how, relation, where = arrangement(rng)
    subject = someone(rng)
    determiner = rng.choice(("the", "a", subject.owner))
    tense = rng.choice(("now", "past", "future", "must", "want"))
    return told(
        Clause(
            subject,
            lexicon.PLACINGS[how],
            tense,
            object=noun_phrase(noun, determiner, describe(rng, noun, 0.3)),
            rest=prepositional(*relation, "acc", where),
            time=time_of(rng, tense) if tense == "past" else None,
        )
    )


def travelling(rng: Rng) -> Phrase:
    """The way before the place in German: mit dem Zug nach Berlin."""
    city = rng.choice(lexicon.CITIES)
    means = Phrase(
        *rng.choice(
            (("train", "Zug"), ("car", "Auto"), ("bus", "Bus"), ("bicycle", "Fahrrad"))
        )
    )
    rest = arrange("to/to {0} by/by {1}", "mit/by dem {1} nach/to {0}", city, means)
    tense = rng.choice(("now", "past", "future", "want"))
    time = time_of(rng, tense)
    return told(Clause(someone(rng), VERB["travel"], tense, rest=rest, time=time))


def going_with_someone(rng: Rng) -> Phrase:
    subject = known_person(rng, or_me=0.4)
    tense = rng.choice(("now", "past", "future", "would like"))
    there = to(rng.choice(list(PLACES.values())))
    preposition = rng.choice((("with", "mit", "dat"), ("without", "ohne", "acc")))
    company = prepositional(*preposition, other_person(rng, subject, is_habit=True))
    rest = arrange("{0} {1}", "{1} {0}", there, company)
    time = time_of(rng, tense)
    return told(Clause(subject, VERB["go"], tense, rest=rest, time=time))


def coming_from(rng: Rng) -> Phrase:
    city = rng.choice(lexicon.CITIES)
    rest = arrange("from {}", "aus {}", city)
    return told(Clause(someone(rng), VERB["come"], rest=rest))


def living_for_years(rng: Rng) -> Phrase:
    """What goes on is present in German: wohnt seit zwei Jahren."""
    subject, city = someone(rng), rng.choice(lexicon.CITIES)
    is_young = subject.noun is not None and subject.noun.is_in("youth")
    years = rng.randint(2, 9 if is_young else 40)
    have = "has" if subject.person == "er" else "have"
    rest = arrange(
        "in/in {0} for/for {1} years/years",
        "seit/for {1} Jahren/years in/in {0}",
        city,
        Phrase(english.number(years), german.number(years)),
    )
    who, where = within(subject.english, "subject"), within(rest.english, "rest")
    living = f"{who} {have}/finite been living/verb {where}"
    lives = Clause(subject, VERB["live"], rest=rest).statement().german
    return compose("{}.", "{}.", Phrase(living, lives))


SIMPLE: list[tuple[int, Template]] = [
    (12, plain_statement),
    (12, fronted_time),
    (5, meal),
    (5, frequency),
    (8, modal_verb),
    (6, negated_with_nicht),
    (5, negated_with_kein),
    (4, possession),
    (3, need_know_or_love),
    (4, liking_to),
    (7, giving_something),
    (4, buying_for_someone),
    (6, predicate),
    (3, state_of_mind),
    (5, comparison),
    (2, profession),
    (3, belonging),
    (4, there_is),
    (6, lying_somewhere),
    (6, putting_somewhere),
    (4, travelling),
    (4, going_with_someone),
    (1, coming_from),
    (3, living_for_years),
]
