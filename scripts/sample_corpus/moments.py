"""Random moments that suit a tense: weekdays, dates, times of the day.

Knows no kinds of sentences and no word order.
"""

import random

from . import english, german, lexicon
from .grammar import arrange
from .lexicon import Phrase, word_for_word

Rng = random.Random


def weekday(rng: Rng) -> Phrase:
    return arrange("on {}", "am {}", rng.choice(lexicon.WEEKDAYS))


def time_of(rng: Rng, tense: str) -> Phrase:
    if tense in ("habit", "may"):
        return rng.choice(lexicon.HABIT_TIMES)
    if tense == "now":
        return rng.choice(lexicon.PRESENT_TIMES)
    if tense in ("past", "had to", "wanted"):
        return weekday(rng) if rng.random() < 0.15 else rng.choice(lexicon.PAST_TIMES)
    if rng.random() < 0.3:
        return weekday(rng) if rng.random() < 0.5 else on_date(rng)
    return rng.choice(lexicon.FUTURE_TIMES)


def date(rng: Rng, ending: str) -> Phrase:
    """the third of May; `ending` inflects the German ordinal.

    Its German article, marked `the`, is for the caller to put before it.
    """
    month, day = rng.choice(lexicon.MONTHS), rng.randint(1, 31)
    day = min(day, 28) if month.english == "February" else min(day, 30)
    return Phrase(
        f"the/the {english.ordinal(day)}/day of {month.english}/month",
        f"{german.ordinal(day, ending)}/day {month.german}/month",
    )


def on_date(rng: Rng) -> Phrase:
    return arrange("on/on {}", "am/on/0:the {}", date(rng, "en"))


def clock_time(rng: Rng) -> Phrase:
    """Half past seven is halb acht: German counts towards the next hour."""
    hour = rng.randint(1, 12)
    now, jetzt = english.number(hour), german.number(hour)
    minutes = rng.choice((5, 10, 20))
    few, wenige = english.number(minutes), german.number(minutes)
    return rng.choice(
        [
            word_for_word(f"{now} o'clock", f"{'ein' if hour == 1 else jetzt} Uhr"),
            Phrase(
                f"half/half past {now}/hour",
                f"halb/half {german.number(hour % 12 + 1)}/hour",
            ),
            word_for_word(f"quarter past {now}", f"Viertel nach {jetzt}"),
            word_for_word(f"quarter to {now}", f"Viertel vor {jetzt}"),
            word_for_word(f"{few} past {now}", f"{wenige} nach {jetzt}"),
            word_for_word(f"{few} to {now}", f"{wenige} vor {jetzt}"),
        ]
    )
