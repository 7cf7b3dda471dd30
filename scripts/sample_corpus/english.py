"""English forms: plurals, verbs, comparatives, numbers. Knows no German.

A person is a subject pronoun: I, you (also we, they), he (any third person singular).
"""

import re
from collections.abc import Callable

from .marks import marked
from .vocabulary import LONG_ADJECTIVES

MODALS = ("can", "must", "should", "may")
PAST_TENSES = ("past", "had to", "wanted")
_DOUBLED = ("travel", "run", "swim", "shop", "get", "put", "cut", "begin")
_SMALL_NUMBERS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen "
    "fourteen fifteen sixteen seventeen eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_ORDINALS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth",
    "eight": "eighth", "nine": "ninth", "twelve": "twelfth",
}  # fmt: skip


def plural(noun: str) -> str:
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + ("es" if noun.endswith(("s", "sh", "ch", "x", "to")) else "s")


def with_an(text: str) -> str:
    """a apple -> an apple."""
    return re.sub(r"^a(?=(/\w+)? [aeiou])", "an", text)


def comparative(adjective: str) -> str:
    if adjective in LONG_ADJECTIVES.split():
        return f"more {adjective}"
    if adjective == "good":
        return "better"
    if adjective in ("big", "sad"):
        return adjective + adjective[-1] + "er"
    return re.sub("y$", "i", adjective.removesuffix("e")) + "er"


def regular_past(verb: str) -> str:
    return _on_first_word(verb, lambda word: _ies(word, "i").removesuffix("e") + "ed")


def third_person(verb: str) -> str:
    def inflect(word: str) -> str:
        if word == "have":
            return "has"
        is_hissing = word.endswith(("s", "sh", "ch", "o"))
        return _ies(word, "ie") + ("es" if is_hissing else "s")

    return _on_first_word(verb, inflect)


def progressive(verb: str) -> str:
    def inflect(word: str) -> str:
        if word in ("lie", "see"):
            return {"lie": "lying", "see": "seeing"}[word]
        return (word + word[-1] if word in _DOUBLED else word.removesuffix("e")) + "ing"

    return _on_first_word(verb, inflect)


def verb_group(
    base: str, past: str, tense: str, person: str, needs_auxiliary: bool
) -> tuple[str, str]:
    """(auxiliary, rest of the verb): ("will", "buy"), ("", "bought"); with marks.

    `finite` is on the word that shows tense and person, `modal` and `verb` on those
    that say what is done, and how: German spreads the same over other words.
    Where an auxiliary is needed, as for questions and negation, and the tense has none,
    it is do. The tenses are those of `grammar.Clause`.
    """
    is_past = tense in PAST_TENSES
    if tense == "would like":
        return "would/finite", f"like/modal to {marked(base, 'verb')}"
    if tense == "future":
        return "will/finite", marked(base, "verb")
    if tense in MODALS:
        return f"{tense}/finite/modal", marked(base, "verb")
    if tense == "now":
        return f"{_be(person, is_past)}/finite", marked(progressive(base), "verb")
    if base == "be" and tense in ("habit", "past"):
        return f"{_be(person, is_past)}/finite/verb", ""
    mark, tail = "verb", ""
    if tense in ("want", "wanted"):
        mark, tail = "modal", f" to {marked(base, 'verb')}"
        base, past = "want", "wanted"
    elif tense in ("have to", "had to"):
        mark, tail = "modal", f" to {marked(base, 'verb')}"
        base, past = "have", "had"
    if needs_auxiliary:
        do = "did" if is_past else "does" if person == "he" else "do"
        return f"{do}/finite", marked(base, mark) + tail
    if not is_past:
        past = third_person(base) if person == "he" else base
    return "", _on_first_word(marked(past, mark), lambda word: f"{word}/finite") + tail


def number(value: int) -> str:
    """1 to 99: twenty-one."""
    if value < 20:
        return _SMALL_NUMBERS[value]
    ten, unit = _TENS[value // 10 - 2], value % 10
    return f"{ten}-{_SMALL_NUMBERS[unit]}" if unit else ten


def ordinal(value: int) -> str:
    """1 to 99: twenty-first."""
    head, hyphen, last = number(value).rpartition("-")
    regular = (last[:-1] + "ie" if last.endswith("y") else last) + "th"
    return head + hyphen + _ORDINALS.get(last, regular)


def _be(person: str, is_past: bool) -> str:
    if is_past:
        return "were" if person == "you" else "was"
    return {"I": "am", "he": "is", "you": "are"}[person]


def _ies(word: str, ending: str) -> str:
    """Final y after a consonant becomes the ending: carry -> carri."""
    is_changed = word.endswith("y") and word[-2] not in "aeou"
    return word[:-1] + ending if is_changed else word


def _on_first_word(verb: str, inflect: Callable[[str], str]) -> str:
    first, *rest = verb.split(" ")
    return " ".join([inflect(first), *rest])
