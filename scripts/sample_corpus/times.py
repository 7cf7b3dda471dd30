"""Kinds of sentences about numbers, dates and times, and how often each is drawn.

Knows what to say; how it is inflected and ordered is `grammar`'s.
"""

from dataclasses import replace

from . import english, german, lexicon
from .choices import describe, known_person, someone
from .grammar import Clause, arrange, compose, noun_phrase, unchanging
from .lexicon import NOUN, VERB, Phrase, word_for_word
from .moments import Rng, clock_time, date, on_date, time_of, weekday
from .simple import Template, told, told_after

# class: least and most that one costs
_PRICES = {
    "clothes": (20, 99),
    "device": (20, 99),
    "luggage": (20, 99),
    "hung": (20, 99),
    "reading": (3, 30),
    "food": (2, 9),
}


def age(rng: Rng) -> Phrase:
    subject = known_person(rng)
    low, high = 18, 59
    if not subject.noun:
        low, high = 2, 99
    elif subject.noun.english.startswith("grand"):
        low, high = 60, 99
    elif subject.noun in (NOUN["boy"], NOUN["son"], NOUN["daughter"]):
        low, high = 2, 17
    years = rng.randint(low, high)
    rest = word_for_word(
        f"{english.number(years)} years old", f"{german.number(years)} Jahre alt"
    )
    return told(Clause(subject, VERB["be"], rest=rest))


def price(rng: Rng) -> Phrase:
    heading, (low, high) = rng.choice(list(_PRICES.items()))
    noun = rng.choice(lexicon.countable_nouns_of(heading))
    is_plural = rng.random() < 0.3
    determiner = rng.choice(("the", "these" if is_plural else "this"))
    count = 0 if is_plural else 1
    subject = noun_phrase(noun, determiner, describe(rng, noun), count=count)
    euros = rng.randint(low, high)
    rest = word_for_word(
        f"{english.number(euros)} euros", f"{german.number(euros)} Euro"
    )
    return told(Clause(subject, VERB["cost"], rest=rest))


def day_of_an_event(rng: Rng) -> Phrase:
    noun = rng.choice(lexicon.nouns_of("planned"))
    subject = noun_phrase(noun, rng.choice(("the", "our")), describe(rng, noun, 0.2))
    if rng.random() < 0.3:
        subject = noun_phrase(
            NOUN["birthday"], rng.choice(("my", "your", "his", "her"))
        )
    tense = rng.choice(("habit", "past"))
    return told(Clause(subject, VERB["be"], tense, rest=on_date(rng)))


def date_of_today(rng: Rng) -> Phrase:
    day = rng.choice((Phrase("today", "heute"), Phrase("tomorrow", "morgen")))
    return compose("{} is {}.", "{} ist der/1:the {}.", day, date(rng, "e"))


def schedule(rng: Rng) -> Phrase:
    event = rng.choice(("concert", "film", "exam", "wedding", "party", "game"))
    subject = noun_phrase(NOUN[event], "the")
    verb = VERB[rng.choice(("begin", "end"))]
    if rng.random() < 0.6:
        city = rng.choice(lexicon.CITIES)
        vehicle, fahrzeug = rng.choice((("train", "Zug"), ("bus", "Bus")))
        train = word_for_word(
            f"the {vehicle} to {city.english}", f"der {fahrzeug} nach {city.german}"
        )
        subject = unchanging(train.english, train.german)
        verb = VERB["leave"]
    rest = prepositional_time(rng)
    kind = rng.randrange(3)
    if kind == 0:
        return told_after(weekday(rng), Clause(subject, verb, rest=rest))
    return told(Clause(subject, verb, "future" if kind == 1 else "habit", rest=rest))


def prepositional_time(rng: Rng) -> Phrase:
    return arrange("at {}", "um {}", clock_time(rng))


def daily_routine(rng: Rng) -> Phrase:
    sudden = [verb for verb in lexicon.INTRANSITIVE if "sudden" in verb.uses]
    tense = rng.choice(("habit", "past", "future", "must"))
    clause = Clause(
        someone(rng), rng.choice(sudden), tense, rest=prepositional_time(rng)
    )
    if tense == "habit" and rng.random() < 0.5:
        return told(replace(clause, often=rng.choice(lexicon.OFTEN)))
    if rng.random() < 0.7:
        return told_after(time_of(rng, tense), clause)
    return told(clause)


TIMES: list[tuple[int, Template]] = [
    (5, age),
    (5, price),
    (3, day_of_an_event),
    (2, date_of_today),
    (5, schedule),
    (5, daily_routine),
]
