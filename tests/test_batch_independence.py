"""The law: a sentence's translation is its own, whatever is translated beside it."""

import random

import pytest
from conftest import Toy

from nmt.search_settings import Beam, Greedy, Search
from nmt.translator import Translator


@pytest.mark.parametrize("search", [Greedy(), Beam()], ids=["greedy", "beam"])
def test_a_translation_depends_on_nothing_but_its_sentence(
    toy: Toy, toy_translator: Translator, search: Search
) -> None:
    def texts(lines: list[str], batch_size: int) -> dict[str, str]:
        found = toy_translator.translate(lines, search, batch_size=batch_size)
        return {
            line: translation.hypotheses[0].text
            for line, translation in zip(lines, found, strict=True)
        }

    learnt = list(dict.fromkeys(toy.lines("validation.source")))[:25]
    odd = ["", "x", "ba x ce", "Ba Ce", "  ba", "di-fo", "ba ce di " * 6]
    sentences = learnt + odd
    alone = texts(sentences, batch_size=1)
    assert len(set(alone.values())) > len(learnt) // 2, "they are worth comparing"
    shuffled = random.Random(1).sample(sentences, k=len(sentences))
    neighbour = "po ne mu lo " * 50
    assert len(toy_translator.tokenizers.source.encode([neighbour])[0]) >= 200
    for lines in sorted(sentences), shuffled, [neighbour, *shuffled]:
        for batch_size in 7, 64:
            found = texts(lines, batch_size)
            assert {line: found[line] for line in sentences} == alone
