"""Random choices that make sense: who does what to which thing, where and when.

Knows no kinds of sentences and no word order.
"""

from collections.abc import Sequence
from dataclasses import replace

from . import lexicon
from .grammar import (
    PRONOUN,
    Clause,
    NounPhrase,
    arrange,
    at,
    in_a_row,
    noun_phrase,
    prepositional,
    to,
    together,
    unchanging,
)
from .lexicon import NOUN, VERB, Adjective, Noun, Phrase, Verb, word_for_word
from .marks import plain
from .moments import Rng, time_of

# As drawn for statements; the progressive and the past are the commonest.
TENSES = ("now", "now", "past", "past", "past", "future", "habit")
BAD_WEATHER, FINE_WEATHER = ("rain", "snow", "cold", "windy"), ("warm", "hot")
FEELINGS = ("tired", "happy", "sad", "hungry", "thirsty", "sick")
IT, WHO = unchanging("it", "es"), unchanging("who", "wer")
_CHORES = (
    "repair", "clean", "tidy up", "cook", "bake", "pick up", "visit", "call", "work",
    "study", "write", "translate", "prepare", "feed", "water", "help", "shop",
    "look for", "read", "thank", "wash", "turn off", "close", "invite", "buy", "build",
    "hang up",
)  # fmt: skip
_REQUESTS = (
    "open", "close", "turn on", "turn off", "repair", "wash", "clean", "tidy up",
    "bring along", "read", "buy", "feed", "water", "look for", "call", "invite",
    "pick up", "ask", "help", "put on", "translate",
)  # fmt: skip
_EFFECTS = {
    "eat": ("hungry",), "drink": ("thirsty",), "sleep": ("tired", "sick"),
    "sing": ("happy",), "dance": ("happy",), "laugh": ("happy",),
}  # fmt: skip
_GIVEN = {
    "give": ("reading", "gift", "fruit", "lost"),
    "show": ("reading", "clothes", "hung", "pet", "lost", "home"),
    "send": ("reading", "gift"),
    "lend": ("reading", "clothes", "lost", "vehicle"),
}
_BESIDE = "door bed cupboard sofa armchair shelf"
# how a thing is held: prepositions: what can be there
_RELATIONS = {
    "flat": {
        ("on", "auf"): "table chair bed sofa desk cupboard",
        ("under", "unter"): "table chair bed sofa desk",
        ("next to", "neben"): _BESIDE,
        ("behind", "hinter"): _BESIDE,
        ("in front of", "vor"): _BESIDE,
    },
    "upright": {
        ("on", "auf"): "table desk cupboard",
        ("under", "unter"): "table chair bed desk",
        ("next to", "neben"): _BESIDE,
        ("behind", "hinter"): _BESIDE,
        ("in front of", "vor"): _BESIDE,
    },
    "hung": {
        ("above", "über"): "door window cupboard bed desk sofa shelf",
        ("next to", "neben"): "door window cupboard shelf",
        ("behind", "hinter"): "door",
    },
}


def describe(rng: Rng, noun: Noun, chance: float = 0.4) -> Sequence[Adjective]:
    """No adjective or one that fits the noun."""
    fitting = lexicon.adjectives_of(noun)
    return [rng.choice(fitting)] if fitting and rng.random() < chance else []


def quality(rng: Rng, adjective: Adjective) -> Phrase:
    """very old; without a degree where there is none, as for colours."""
    word = Phrase(adjective.english, adjective.german)
    if not adjective.comparative:
        return word
    return in_a_row(rng.choice(lexicon.DEGREES), word)


def named(rng: Rng) -> NounPhrase:
    pronoun = rng.choice(("he", "she"))
    name = rng.choice(lexicon.NAMES[pronoun])
    return unchanging(name, name, pronoun)


def relative(rng: Rng, owner: str = "my") -> NounPhrase:
    return noun_phrase(rng.choice(lexicon.nouns_of("kin")), owner)


def known_person(rng: Rng, *, or_me: float = 0.0) -> NounPhrase:
    """Someone whom he, she or they can stand for; I or we with a chance of `or_me`."""
    kind = rng.random()
    if rng.random() < or_me:
        return PRONOUN[rng.choice(("I", "we"))]
    if kind < 0.45:
        return named(rng)
    if kind < 0.75:
        return relative(rng, rng.choice(("my", "my", "your", "our")))
    known = [noun for noun in lexicon.nouns_of("he", "she") if noun.is_in("person")]
    noun = rng.choice(known)
    return noun_phrase(noun, "the", describe(rng, noun, 0.3))


def again(person: NounPhrase) -> NounPhrase:
    """The pronoun for a known person."""
    return PRONOUN[person.pronoun]


def someone(rng: Rng) -> NounPhrase:
    """Any human subject."""
    kind = rng.random()
    if kind < 0.25:
        return PRONOUN[rng.choice(("I", "you", "he", "she", "we", "they"))]
    if kind < 0.75:
        return known_person(rng)
    if kind < 0.8:
        return together(named(rng), relative(rng))
    noun = rng.choice(lexicon.nouns_of("person"))
    count = 0 if rng.random() < 0.3 else 1
    determiner = rng.choice(("my", "our")) if noun.is_in("owned") else "the"
    return noun_phrase(noun, determiner, describe(rng, noun, 0.3), count=count)


def asked_person(rng: Rng) -> NounPhrase:
    """The subject of a question, often you."""
    subject = PRONOUN["you"] if rng.random() < 0.4 else someone(rng)
    return PRONOUN["you"] if subject.english == "I" else subject


def other_person(
    rng: Rng, subject: NounPhrase, *, may_be_named: bool = True, is_habit: bool = False
) -> NounPhrase:
    """A human object: not the subject, and its relatives are the subject's own."""
    kind = rng.random()
    if kind < 0.15:
        is_first = subject.english in ("I", "we", "you")
        if is_first or not subject.is_pronoun:
            # A third person beside another would leave open who is meant.
            return PRONOUN[
                rng.choice(("he", "she", "they") if is_first else ("I", "we"))
            ]
    if kind < 0.35 and may_be_named:
        person = named(rng)
        if person.english not in subject.english:
            return person
    noun = rng.choice(lexicon.nouns_of("kin" if kind < 0.65 else "person"))
    is_young = subject.noun is not None and subject.noun.is_in("youth")
    is_odd = is_young and noun.english in ("son", "daughter")
    if is_odd or noun.english in subject.english:
        return other_person(rng, subject, may_be_named=may_be_named, is_habit=is_habit)
    if noun.is_in("kin"):
        return noun_phrase(noun, subject.owner)
    determiner = "the" if is_habit else rng.choice(("the", "the", "a"))
    if noun.is_in("owned"):
        determiner = subject.owner
    return noun_phrase(noun, determiner, describe(rng, noun, 0.3))


def thing(rng: Rng, noun: Noun, subject: NounPhrase, tense: str = "past") -> NounPhrase:
    """The noun as an object, with a determiner that suits it and the tense."""
    mine = subject.owner
    if noun.is_in("food", "drink", "building", "room", "opening", "event"):
        mine = "the"
    if noun.is_mass:
        kinds = [("", 1)] if tense == "habit" else [("", 1), ("the", 1)]
    elif noun.gender == "p":
        kinds = [("the", 1)]
    elif noun.is_in("paired"):
        kinds = [("the", 0), (mine, 0), ("", 0)]
    elif tense == "habit" and noun.is_in("food", "reading"):
        kinds = [("a", 1), ("", 0), ("many", 0), ("", 2), ("", 3)]
    else:
        kinds = [("the", 1)] * 3 + [("a", 1), (mine, 1)] * 2
        kinds += [("this", 1), ("the", 0), ("these", 0), ("", rng.randint(2, 6))]
        kinds += [("some", 0)] if tense not in ("habit", "stative") else []
    determiner, count = rng.choice(kinds)
    return noun_phrase(noun, determiner, describe(rng, noun), count=count)


def object_of(rng: Rng, verb: Verb, subject: NounPhrase, tense: str) -> NounPhrase:
    noun = rng.choice(lexicon.nouns_of(rng.choice(verb.objects)))
    if noun.is_in("person", "kin"):
        return other_person(rng, subject, is_habit=tense == "habit")
    phrase = thing(rng, noun, subject, tense)
    is_worn = verb.english in ("wear", "put on", "take off", "try on")
    if is_worn and subject.person in ("wir", "sie"):
        return noun_phrase(noun, subject.owner, describe(rng, noun), count=0)
    is_several = phrase.person == "sie" and noun.is_countable
    is_odd = is_worn and noun.is_in("feminine") and subject.pronoun != "she"
    is_young = subject.noun is not None and subject.noun.is_in("youth")
    is_odd |= is_young and noun.is_in("alcohol")
    is_odd |= verb.english == "buy" and phrase.english.startswith(subject.owner)
    is_odd |= verb.english == "build" and "old" in plain(phrase.english).split()
    if is_odd or (is_worn and is_several):
        return object_of(rng, verb, subject, tense)
    return phrase


def action(rng: Rng, subject: NounPhrase, tense: str) -> Clause:
    """Something sensible that the subject does; with no time yet."""
    kind = rng.random()
    if kind < 0.6:
        return doing(
            rng, rng.choice(fitting(lexicon.TRANSITIVE, tense)), subject, tense
        )
    if kind < 0.68:
        return doing(rng, rng.choice(fitting(lexicon.DATIVE, tense)), subject, tense)
    if kind < 0.8:
        verb = rng.choice(fitting(lexicon.PREPOSITIONAL, tense))
        return Clause(subject, verb, tense, rest=about(rng, verb, subject))
    if kind < 0.9 or tense == "now":
        lasting = [verb for verb in lexicon.INTRANSITIVE if "sudden" not in verb.uses]
        return doing(rng, rng.choice(lasting), subject, tense)
    return going(rng, subject, tense)


def doing(
    rng: Rng, verb: Verb, subject: NounPhrase, tense: str, *, may_place: bool = True
) -> Clause:
    """The verb with an object, or perhaps with a place if it takes none."""
    clause = Clause(subject, verb, tense)
    if verb.is_dative:
        # Two names would leave open in German who helps whom.
        person = other_person(rng, subject, may_be_named=False, is_habit=True)
        return replace(clause, object=person)
    if verb not in lexicon.INTRANSITIVE:
        return replace(clause, object=object_of(rng, verb, subject, tense))
    if verb.objects and may_place and rng.random() < 0.7:
        return replace(clause, rest=location(rng, verb.objects))
    return clause


def fitting(verbs: Sequence[Verb], tense: str) -> list[Verb]:
    """Habits need a verb for them; states have no progressive and take no modal."""
    if tense == "habit":
        return [verb for verb in verbs if "habit" in verb.uses]
    if tense == "past":
        return [verb for verb in verbs if verb.english not in ("know", "love", "need")]
    excluded = {"stative"} if tense == "now" else {"stative", "thought"}
    return [verb for verb in verbs if excluded.isdisjoint(verb.uses)]


def about(rng: Rng, verb: Verb, subject: NounPhrase) -> Phrase:
    """The object of a verb with a preposition."""
    english_, german_, case = verb.preposition
    noun = rng.choice(lexicon.nouns_of(rng.choice(verb.objects)))
    if noun.is_in("person", "kin") and "youth" not in verb.objects:
        what = other_person(rng, subject)
    else:
        is_new = verb.english == "dream" and noun.gender != "p"
        what = noun_phrase(noun, "a" if is_new else "the", describe(rng, noun))
    return prepositional(english_, german_, case, what)


def location(rng: Rng, places: Sequence[str]) -> Phrase:
    place = lexicon.PLACES[rng.choice(places)]
    return at(place, describe(rng, place.noun, 0.25))


def going(rng: Rng, subject: NounPhrase, tense: str) -> Clause:
    if rng.random() < 0.6:
        place = rng.choice(list(lexicon.PLACES.values()))
        rest = to(place, describe(rng, place.noun, 0.15))
        return Clause(subject, VERB["go"], tense, rest=rest)
    city = rng.choice(lexicon.CITIES)
    verb = VERB[rng.choice(("drive", "travel", "fly"))]
    return Clause(subject, verb, tense, rest=arrange("to {}", "nach {}", city))


def chore(rng: Rng, subject: NounPhrase, tense: str) -> Clause:
    """Something one has to do, or may forget to do."""
    return doing(rng, VERB[rng.choice(_CHORES)], subject, tense)


def outing(rng: Rng, subject: NounPhrase, tense: str) -> Clause:
    """Something that the weather may spoil."""
    if rng.random() < 0.5:
        return going(rng, subject, tense)
    verb = VERB[rng.choice(("swim", "run", "water", "feed", "wash"))]
    return doing(rng, verb, subject, tense)


def request(rng: Rng) -> Clause:
    """Something to ask of somebody; the subject only says whose things are meant."""
    verb = VERB[rng.choice(_REQUESTS)]
    while True:
        clause = doing(rng, verb, PRONOUN["I"], "request")
        if clause.object and not clause.object.is_indefinite:
            return clause


def feeling(
    rng: Rng, subject: NounPhrase, tense: str, feelings: Sequence[str] = FEELINGS
) -> Clause:
    word = lexicon.state(rng.choice(feelings))
    rest = Phrase(word.english, word.german)
    return Clause(subject, VERB["be"], tense, rest=rest)


def weather(rng: Rng, tense: str, words: Sequence[str] = BAD_WEATHER) -> Clause:
    """It is raining, it was cold; in the tense habit: it rains, it is cold."""
    word = rng.choice(words)
    if word in VERB:
        return Clause(IT, VERB[word], tense)
    lasting = "past" if tense == "past" else "habit"
    return Clause(IT, VERB["be"], lasting, rest=lexicon.WEATHER[word])


def effect_and_cause(rng: Rng, subject: NounPhrase) -> tuple[Clause, Clause]:
    """What somebody does, and why."""
    tense = rng.choice(("now", "past"))
    state_tense = "habit" if tense == "now" else "past"
    kind = rng.random()
    if kind < 0.25:
        home = word_for_word("at home", "zu Hause")
        effect = Clause(subject, VERB["stay"], tense, rest=home)
        if rng.random() < 0.4:
            must = "must" if tense == "now" else "had to"
            return effect, chore(rng, again(subject), must)
        if rng.random() < 0.5:
            return effect, feeling(rng, again(subject), state_tense, ("tired", "sick"))
        return effect, weather(rng, tense)
    if kind < 0.4:
        return doing(rng, VERB["put on"], subject, tense), weather(rng, tense)
    verb, feelings = rng.choice(list(_EFFECTS.items()))
    effect = doing(rng, VERB[verb], subject, tense)
    return effect, feeling(rng, again(subject), state_tense, feelings)


def giving(rng: Rng, subject: NounPhrase, tense: str) -> Clause:
    verb, classes = rng.choice(list(_GIVEN.items()))
    noun = rng.choice(lexicon.countable_nouns_of(*classes))
    return Clause(
        subject,
        VERB[verb],
        tense,
        recipient=other_person(rng, subject),
        object=thing(rng, noun, subject),
        time=time_of(rng, tense) if tense == "past" or rng.random() < 0.4 else None,
    )


def arrangement(rng: Rng) -> tuple[Noun, str, tuple[str, str], NounPhrase]:
    """(thing, how it is held, prepositions, the place for it)."""
    how = rng.choice(("flat", "flat", "upright", "upright", "hung"))
    noun = rng.choice(lexicon.nouns_of(how))
    relation = rng.choice(list(_RELATIONS[how]))
    surface = NOUN[rng.choice(_RELATIONS[how][relation].split())]
    return noun, how, relation, noun_phrase(surface, "the", describe(rng, surface, 0.3))
