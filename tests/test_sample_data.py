"""The sample corpus and the grammar behind it, against German school grammar."""

import re
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from sample_corpus import english, german, lexicon  # noqa: E402
from sample_corpus.grammar import (  # noqa: E402
    PRONOUN,
    Clause,
    at,
    it,
    noun_phrase,
    to,
    unchanging,
)
from sample_corpus.lexicon import NOUN, PLACES, VERB, Phrase  # noqa: E402
from sample_corpus.marks import links  # noqa: E402

SAMPLE = ROOT / "data" / "sample"
SIZES = {"train": 12000, "validation": 500, "test": 500}
ANNA = unchanging("Anna", "Anna", "she")
THE_MAN = noun_phrase(NOUN["man"], "the")

# Rows nom, acc, dat; columns masculine, feminine, neuter, plural.
WEAK = "e e e en / en e e en / en en en en"
MIXED = "er e es en / en e es en / en en en en"
STRONG = "er e es e / en e es e / em er em en"
DEFINITE = "der die das die / den die das die / dem der dem den"
POSSESSIVE = (
    "mein meine mein meine / meinen meine mein meine / meinem meiner meinem meinen"
)


def cells(table: str) -> list[tuple[str, str, str]]:
    rows = [row.split() for row in table.split("/")]
    return [
        (case, gender, form)
        for case, row in zip(("nom", "acc", "dat"), rows, strict=True)
        for gender, form in zip("mfnp", row, strict=True)
    ]


def read(part: str) -> list[tuple[str, str]]:
    columns = [
        (SAMPLE / f"{part}.{language}").read_text(encoding="utf-8").splitlines()
        for language in ("en", "de")
    ]
    return list(zip(*columns, strict=True))


def everything() -> list[tuple[str, str]]:
    return [pair for part in SIZES for pair in read(part)]


def test_the_files_are_what_the_script_writes(tmp_path: Path) -> None:
    script = ROOT / "scripts" / "make_sample_data.py"
    subprocess.run([sys.executable, script, "--output", tmp_path], check=True)
    names = [f"{part}.{language}" for part, language in product(SIZES, ("en", "de"))]
    names += ["validation.align", "test.align"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
    for name in names:
        assert (tmp_path / name).read_bytes() == (SAMPLE / name).read_bytes(), name


def test_parts_have_their_sizes_and_share_no_sentence() -> None:
    assert {part: len(read(part)) for part in SIZES} == SIZES
    pairs = everything()
    assert len({source for source, _ in pairs}) == len(pairs)
    assert len({target for _, target in pairs}) == len(pairs)


def test_held_out_words_are_familiar_from_training() -> None:
    def parts(text: str) -> set[str]:
        return set(re.findall(r"\w+", text.lower()))

    train = [parts(source) for source, _ in read("train")]
    held_out = [
        parts(source) for part in ("validation", "test") for source, _ in read(part)
    ]
    for word in set().union(*held_out):
        assert sum(word in sentence for sentence in train + held_out) >= 15, word


def test_sentences_are_well_formed_text() -> None:
    for pair in everything():
        for text in pair:
            assert re.fullmatch(r"[A-ZÄÖÜ][A-Za-zÄÖÜäöüßé' ,-]*[.?]", text), text
            assert "  " not in text and " ," not in text, text
    for source, target in everything():
        assert not re.search(r"\b(a [aeiou]|an (?!hour)[^aeiou])", source.lower()), (
            source
        )
        assert source[-1] == target[-1], source
        assert 3 <= len(source.split()) <= 22, source


def linked_words(source: str, target: str, pairs: list[tuple[int, int]]) -> str:
    """`Garten: garden, im: in the`: each German word with its English ones."""
    words = [word.strip(",.?").split("/")[0] for word in source.split()]
    found = []
    for place, wort in enumerate(target.split()):
        of_it = [words[i] for i, j in pairs if j == place]
        found.append(" ".join([wort.strip(",.?").split("/")[0] + ":", *of_it]))
    return ", ".join(found)


def test_the_links_are_between_words_and_leave_few_alone() -> None:
    for part in ("validation", "test"):
        lines = (SAMPLE / f"{part}.align").read_text().splitlines()
        for line, (source, target) in zip(lines, read(part), strict=True):
            pairs = [tuple(map(int, pair.split("-"))) for pair in line.split()]
            assert len(set(pairs)) == len(pairs)
            linked = [set(side) for side in zip(*pairs, strict=True)]
            for words, places in zip((source, target), linked, strict=True):
                size = len(words.split())
                assert max(places) < size, words
                # to, of, an article: what the other language does without.
                assert len(places) >= 0.6 * size, words


@pytest.mark.parametrize(
    ("pair", "expected"),
    [
        (
            Clause(ANNA, VERB["call"], "now", object=THE_MAN).statement(),
            "Anna: Anna, ruft: is calling, den: the, Mann: man, an: calling",
        ),
        (
            Clause(ANNA, VERB["ask"], "past", object=THE_MAN).statement(),
            "Anna: Anna, hat: asked, den: the, Mann: man, gefragt: asked",
        ),
        (
            Clause(ANNA, VERB["see"], "can", object=ANNA, is_negated=True).question(),
            "kann: can, Anna: Anna, Anna: Anna, nicht: not, sehen: see",
        ),
        (
            Clause(
                ANNA,
                VERB["buy"],
                "past",
                object=noun_phrase(NOUN["hat"], "a", is_negative=True),
                is_negated=True,
            ).statement(),
            "Anna: Anna, hat: did, keinen: not a, Hut: hat, gekauft: buy",
        ),
        (
            Clause(ANNA, VERB["pick up"], "now", object=THE_MAN).infinitive(),
            "den: the, Mann: man, abzuholen: to pick up",
        ),
        (
            Clause(
                PRONOUN["we"], VERB["go"], "future", rest=to(PLACES["school"])
            ).subordinate(),
            "wir: we, zur: to the, Schule: school, gehen: go, werden: will",
        ),
    ],
)
def test_words_that_say_the_same_are_linked(pair: Phrase, expected: str) -> None:
    found = links(pair.english, pair.german)
    assert linked_words(pair.english, pair.german, found) == expected


def test_a_word_twice_in_a_sentence_is_linked_to_its_own_counterpart() -> None:
    clause = Clause(ANNA, VERB["see"], "can", object=ANNA)
    pair = clause.statement()
    assert links(pair.english, pair.german) == [(0, 0), (1, 1), (3, 2), (2, 3)]


def test_german_sets_off_its_subordinate_clauses_with_commas() -> None:
    for _, target in everything():
        assert not re.search(r"[^,] (weil|dass|ob|obwohl|wo) ", target), target
        if re.match("(Wenn|Obwohl|Bevor|Während) ", target):
            assert target.count(",") == 1, target
        if re.search(r" um .* (zu \w+|\w+zu\w+)\.$", target):
            assert ", um " in target, target


def test_german_nouns_are_capitalised() -> None:
    for noun in lexicon.NOUNS:
        assert noun.german.istitle(), noun
        assert noun.is_mass or noun.german_plural.istitle(), noun


@pytest.mark.parametrize(
    ("determiner", "table"), [("der", WEAK), ("ein", MIXED), ("", STRONG)]
)
def test_adjectives_take_weak_mixed_and_strong_endings(
    determiner: str, table: str
) -> None:
    for case, gender, ending in cells(table):
        assert german.adjective("alt", determiner, case, gender) == "alt" + ending


def test_irregular_adjective_stems_lose_their_e() -> None:
    assert german.adjective("teuer", "ein", "nom", "n") == "teures"
    assert german.adjective("dunkel", "der", "dat", "f") == "dunklen"


def test_articles_agree_in_case_and_gender() -> None:
    for case, gender, form in cells(DEFINITE):
        assert german.article("der", case, gender) == form
    for case, gender, form in cells(POSSESSIVE):
        assert german.article("mein", case, gender) == form
    for case, gender, ending in cells(STRONG):
        assert german.article("dies", case, gender) == "dies" + ending


@pytest.mark.parametrize(
    ("noun", "case", "is_plural", "expected"),
    [
        ("child", "dat", True, "Kindern"),
        ("car", "dat", True, "Autos"),
        ("woman", "dat", True, "Frauen"),
        ("apple", "dat", True, "Äpfeln"),
        ("apple", "acc", True, "Äpfel"),
        ("boy", "nom", False, "Junge"),
        ("boy", "acc", False, "Jungen"),
        ("neighbour", "dat", False, "Nachbarn"),
        ("man", "dat", False, "Mann"),
    ],
)
def test_nouns_take_dative_n_and_weak_endings(
    noun: str, case: str, is_plural: bool, expected: str
) -> None:
    assert german.noun(NOUN[noun], case, is_plural) == expected


def test_number_words_put_the_unit_first() -> None:
    units = "ein zwei drei vier fünf sechs sieben acht neun".split()
    tens = "zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig".split()
    teens = (
        "zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn"
    )
    expected = ["eins", *units[1:], *teens.split()]
    for ten in tens:
        expected += [ten, *(f"{unit}und{ten}" for unit in units)]
    assert [german.number(value) for value in range(1, 100)] == expected
    assert (english.number(21), german.number(21)) == ("twenty-one", "einundzwanzig")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (1, ("first", "ersten")),
        (3, ("third", "dritten")),
        (7, ("seventh", "siebten")),
        (8, ("eighth", "achten")),
        (12, ("twelfth", "zwölften")),
        (20, ("twentieth", "zwanzigsten")),
        (21, ("twenty-first", "einundzwanzigsten")),
    ],
)
def test_ordinals(value: int, words: tuple[str, str]) -> None:
    assert (english.ordinal(value), german.ordinal(value, "en")) == words


@pytest.mark.parametrize(
    ("verb", "forms"),
    [
        ("buy", "kaufe kaufst kauft kaufen kaufen / gekauft"),
        ("work", "arbeite arbeitest arbeitet arbeiten arbeiten / gearbeitet"),
        ("open", "öffne öffnest öffnet öffnen öffnen / geöffnet"),
        ("travel", "reise reist reist reisen reisen / gereist"),
        ("read", "lese liest liest lesen lesen / gelesen"),
        ("invite", "lade lädst lädt laden laden / eingeladen"),
        ("feed", "füttere fütterst füttert füttern füttern / gefüttert"),
        ("repair", "repariere reparierst repariert reparieren reparieren / repariert"),
        ("visit", "besuche besuchst besucht besuchen besuchen / besucht"),
        ("prepare", "bereite bereitest bereitet bereiten bereiten / vorbereitet"),
        ("call", "rufe rufst ruft rufen rufen / angerufen"),
        ("be", "bin bist ist sind sind / gewesen"),
        ("have", "habe hast hat haben haben / gehabt"),
    ],
)
def test_verbs_are_conjugated(verb: str, forms: str) -> None:
    present, participle = forms.split(" / ")
    inflected = [german.present(VERB[verb], person) for person in german.PERSONS]
    assert inflected == present.split()
    assert german.participle(VERB[verb]) == participle


def test_separable_verbs_part_and_meet_again() -> None:
    calling = Clause(ANNA, VERB["call"], "now", object=THE_MAN)
    called = Clause(ANNA, VERB["call"], "past", object=THE_MAN)
    assert calling.statement().plain() == Phrase(
        "Anna is calling the man", "Anna ruft den Mann an"
    )
    assert calling.inverted().plain().german == "ruft Anna den Mann an"
    assert calling.question().plain().english == "is Anna calling the man"
    assert calling.subordinate().plain().german == "Anna den Mann anruft"
    assert called.statement().plain() == Phrase(
        "Anna called the man", "Anna hat den Mann angerufen"
    )
    assert called.subordinate().plain().german == "Anna den Mann angerufen hat"
    assert calling.infinitive().plain().german == "den Mann anzurufen"
    assert calling.command().plain().german == "ruf bitte den Mann an"
    assert calling.formal_command().plain().german == "rufen Sie den Mann an"


def test_the_perfect_takes_haben_or_sein() -> None:
    went = Clause(PRONOUN["we"], VERB["go"], "past", rest=to(PLACES["park"]))
    assert went.statement().plain().german == "wir sind in den Park gegangen"
    slept = Clause(PRONOUN["we"], VERB["sleep"], "past", rest=at(PLACES["garden"]))
    assert slept.statement().plain().german == "wir haben im Garten geschlafen"


def test_modal_verbs_send_the_infinitive_to_the_end() -> None:
    clause = Clause(PRONOUN["I"], VERB["pick up"], "want", object=THE_MAN)
    assert clause.statement().plain() == Phrase(
        "I want to pick up the man", "ich will den Mann abholen"
    )
    assert clause.subordinate().plain().german == "ich den Mann abholen will"


def test_two_way_prepositions_take_the_accusative_for_motion() -> None:
    for noun, there, thither in (
        ("garden", "im Garten", "in den Garten"),
        ("school", "in der Schule", "zur Schule"),
    ):
        assert at(PLACES[noun]).plain().german == there
        assert to(PLACES[noun]).plain().german == thither


def test_negation_is_nicht_or_kein() -> None:
    no_hat = noun_phrase(NOUN["hat"], "a", is_negative=True)
    buying = Clause(ANNA, VERB["buy"], "now", object=no_hat, is_negated=True)
    assert buying.statement().plain() == Phrase(
        "Anna is not buying a hat", "Anna kauft keinen Hut"
    )
    asking = Clause(ANNA, VERB["ask"], "past", object=THE_MAN, is_negated=True)
    assert asking.statement().plain() == Phrase(
        "Anna did not ask the man", "Anna hat den Mann nicht gefragt"
    )


def test_it_has_the_gender_of_its_noun() -> None:
    nouns = [NOUN[word] for word in ("table", "lamp", "book")]
    assert [it(noun).german["nom"] for noun in nouns] == ["er", "sie", "es"]
    assert [it(noun).german["acc"] for noun in nouns] == ["ihn", "sie", "es"]
