"""German inflection: articles, adjectives, nouns, verbs, numbers. Knows no English.

Cases are nom, acc and dat; genders m, f, n and p, the plural, which has no gender.
A person is a pronoun: ich, du, er (any third person singular), wir, sie (plural).
"""

import re

from .lexicon import Noun, Verb

CASES = ("nom", "acc", "dat")
PERSONS = ("ich", "du", "er", "wir", "sie")

# Endings of der-words (dieser, jeder, welcher): also the strong adjective endings.
_STRONG = {
    "nom": {"m": "er", "f": "e", "n": "es", "p": "e"},
    "acc": {"m": "en", "f": "e", "n": "es", "p": "e"},
    "dat": {"m": "em", "f": "er", "n": "em", "p": "en"},
}
_DEFINITE = {
    "nom": {"m": "der", "f": "die", "n": "das", "p": "die"},
    "acc": {"m": "den", "f": "die", "n": "das", "p": "die"},
    "dat": {"m": "dem", "f": "der", "n": "dem", "p": "den"},
}
_CONTRACTIONS = {
    "in das": "ins",
    "in dem": "im",
    "an das": "ans",
    "an dem": "am",
    "von dem": "vom",
    "zu dem": "zum",
    "zu der": "zur",
}
_DER_WORDS = ("dies", "jed", "welch", "all")
_STRONG_WORDS = ("", "viel", "einig")
_SMALL_NUMBERS = (
    "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn "
    "vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn"
).split()
_TENS = "zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig".split()
_PRESENT_OF = {
    "sein": ("bin", "bist", "ist", "sind", "sind"),
    "haben": ("habe", "hast", "hat", "haben", "haben"),
    "werden": ("werde", "wirst", "wird", "werden", "werden"),
    "können": ("kann", "kannst", "kann", "können", "können"),
    "müssen": ("muss", "musst", "muss", "müssen", "müssen"),
    "wollen": ("will", "willst", "will", "wollen", "wollen"),
    "sollen": ("soll", "sollst", "soll", "sollen", "sollen"),
    "dürfen": ("darf", "darfst", "darf", "dürfen", "dürfen"),
    "möchten": ("möchte", "möchtest", "möchte", "möchten", "möchten"),
    "wissen": ("weiß", "weißt", "weiß", "wissen", "wissen"),
}
# The simple past is used for these only; every other verb takes the perfect.
_PAST_STEM_OF = {
    "haben": "hatt",
    "können": "konnt",
    "müssen": "musst",
    "wollen": "wollt",
}
_PAST_OF = {"sein": ("war", "warst", "war", "waren", "waren")}


def article(word: str, case: str, gender: str) -> str:
    """The inflected determiner; `word` is "der", or a stem: ein, kein, dies, viel."""
    if word == "der":
        return _DEFINITE[case][gender]
    if not word:
        return ""
    if (word not in _DER_WORDS + _STRONG_WORDS) and _is_bare(case, gender):
        return word
    return word + _STRONG[case][gender]


def adjective(stem: str, determiner: str, case: str, gender: str) -> str:
    """The attributive adjective after the determiner (as for `article`; "" for none).

    Weak after der-words, strong where nothing shows the case, mixed after ein-words.
    """
    if determiner in _STRONG_WORDS:
        ending = _STRONG[case][gender]
    elif determiner not in ("der", *_DER_WORDS) and _is_bare(case, gender):
        ending = _STRONG[case][gender]
    else:
        is_nominative = case == "nom" or (case == "acc" and gender in "fn")
        ending = "e" if is_nominative and gender != "p" else "en"
    stem = re.sub("e([lr])$", r"\1", stem) if stem in ("dunkel", "teuer") else stem
    return stem.removesuffix("e") + ending


def _is_bare(case: str, gender: str) -> bool:
    """Whether an ein-word has no ending: ein Mann, ein Kind, ein Kind sehen."""
    return (case, gender) in (("nom", "m"), ("nom", "n"), ("acc", "n"))


def noun(word: Noun, case: str, is_plural: bool) -> str:
    if not is_plural:
        return word.german_plural if word.is_weak and case != "nom" else word.german
    plural = word.german_plural
    return plural + "n" if case == "dat" and plural[-1] not in "ns" else plural


def contract(text: str) -> str:
    """Preposition and article in one word where German does so: in dem -> im.

    They are the first words of the text; the one word has the marks of both.
    """

    def contracted(match: re.Match[str]) -> str:
        word = _CONTRACTIONS.get(f"{match[1]} {match[3]}")
        return f"{word}{match[2]}{match[4]}" if word else match[0]

    return re.sub(r"^(\w+)(\S*) (\w+)(\S*)", contracted, text)


def present(verb: Verb, person: str) -> str:
    """The finite present, without the separable prefix."""
    return present_of(verb.infinitive, person, verb.stem_changed)


def present_of(infinitive: str, person: str, stem_changed: str = "") -> str:
    if infinitive in _PRESENT_OF:
        return _PRESENT_OF[infinitive][PERSONS.index(person)]
    stem = _stem(infinitive)
    if person in ("wir", "sie"):
        return infinitive
    if person == "ich":
        return stem + "e"
    if stem_changed:  # never takes the linking e: er lädt
        stem = stem_changed
    elif _needs_linking_e(stem):
        stem += "e"
    if person == "er":
        return stem + "t"
    return stem + ("t" if stem[-1] in "sßzx" else "st")


def past_of(infinitive: str, person: str) -> str:
    """The finite simple past of sein, haben and the modal verbs."""
    if infinitive in _PAST_OF:
        return _PAST_OF[infinitive][PERSONS.index(person)]
    endings = ("e", "est", "e", "en", "en")
    return _PAST_STEM_OF[infinitive] + endings[PERSONS.index(person)]


def has_simple_past(infinitive: str) -> bool:
    return infinitive in _PAST_OF or infinitive in _PAST_STEM_OF


def participle(verb: Verb) -> str:
    """The past participle with its prefix: angerufen, besucht, repariert."""
    base = verb.participle
    if not base:
        stem = _stem(verb.infinitive)
        base = stem + ("et" if _needs_linking_e(stem) else "t")
        has_unstressed_start = re.match("be|ver|er|ge(?!b)|ent|zer|übers", stem)
        if not has_unstressed_start and not stem.endswith("ier"):
            base = "ge" + base
    return verb.prefix + base


def infinitive(verb: Verb) -> str:
    return verb.prefix + verb.infinitive


def zu_infinitive(verb: Verb) -> str:
    """With zu inside a separable verb: zu kaufen, anzurufen; with marks."""
    if verb.prefix:
        return f"{verb.prefix}zu{verb.infinitive}/to/verb"
    return f"zu/to {verb.infinitive}/verb"


def imperative(verb: Verb) -> str:
    """The command to a du, without the separable prefix: öffne, lies, kauf."""
    stem = _stem(verb.infinitive)
    if verb.stem_changed and "i" in verb.stem_changed:
        return verb.stem_changed
    return stem + "e" if _needs_linking_e(stem) or stem.endswith("er") else stem


def number(value: int) -> str:
    """1 to 99, the unit before the ten: einundzwanzig."""
    if value < 20:
        return _SMALL_NUMBERS[value]
    ten, unit = _TENS[value // 10 - 2], value % 10
    if not unit:
        return ten
    return ("ein" if unit == 1 else _SMALL_NUMBERS[unit]) + "und" + ten


def ordinal(value: int, ending: str) -> str:
    """1 to 99, inflected: ordinal(3, "en") is "dritten"."""
    stem = {1: "erst", 3: "dritt", 7: "siebt", 8: "acht"}.get(value)
    return (stem or number(value) + ("t" if value < 20 else "st")) + ending


def _stem(infinitive_: str) -> str:
    return re.sub("(?<=e[lr])n$|en$", "", infinitive_)


def _needs_linking_e(stem: str) -> bool:
    return re.search("[dt]$|[bdfgkpt][mn]$|ch[mn]$", stem) is not None
