"""Sampled segmentations against sentencepiece's own, formulas and other processes."""

import math
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from nmt.config import TextPair, TokenizerConfig
from nmt.subword_sampling import SubwordSampler
from nmt.tokenizer import NUM_BYTES, NUM_SPECIAL, Tokenizer, train_tokenizers

LINES = [
    "the lower tower is the newest",
    " a  leading space and two ",
    "\u00dcberl\u00e4nge \U0001f600 \u2028 x\0y",
    "",
    " ",
]


@pytest.fixture(scope="module")
def subwords(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Tokenizer]:
    text = tmp_path_factory.mktemp("text") / "text"
    text.write_text(
        "the low tower\nthe lower the newer\nnew towers are the newest\n" * 9
    )
    return {
        kind: train_tokenizers(
            TokenizerConfig(type=kind, vocab_size=NUM_SPECIAL + NUM_BYTES + 60),
            [TextPair(source=text, target=text)],
        ).source
        for kind in ("bpe", "unigram")
    }


def test_without_dropout_bpe_is_as_sentencepiece_segments(
    subwords: dict[str, Tokenizer],
) -> None:
    assert subwords["bpe"].sample(LINES, 0.0, 1) == subwords["bpe"].encode(LINES)


def test_without_any_merge_bpe_is_characters(subwords: dict[str, Tokenizer]) -> None:
    [ids] = subwords["bpe"].sample(["the lower tower"], 1.0, 1)
    assert subwords["bpe"].pieces(ids) == list("\u2581the\u2581lower\u2581tower")


def test_a_unigram_segmentation_is_as_frequent_as_its_probability_to_the_alpha(
    subwords: dict[str, Tokenizer],
) -> None:
    tokenizer, alpha, draws = subwords["unigram"], 0.3, 4000
    processor = tokenizer._processor
    log_probs = {
        tuple(ids): math.fsum(processor.get_score(token) for token in ids)
        for ids in processor.nbest_encode("tower", nbest_size=64, out_type=int)
    }
    total = math.fsum(math.exp(alpha * value) for value in log_probs.values())
    found = Counter(map(tuple, tokenizer.sample(["tower"] * draws, alpha, 1)))
    assert set(found) <= set(log_probs)
    for ids, log_prob in log_probs.items():
        share = math.exp(alpha * log_prob) / total
        deviation = math.sqrt(share * (1 - share) / draws)
        assert abs(found[ids] / draws - share) < 5 * deviation


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_another_process_samples_the_same(
    subwords: dict[str, Tokenizer], kind: str, tmp_path: Path
) -> None:
    model = tmp_path / "model"
    model.write_bytes(subwords[kind].model_bytes)
    code = (
        "import sys; from pathlib import Path; from nmt.tokenizer import Tokenizer;"
        "tokenizer = Tokenizer(Path(sys.argv[1]).read_bytes());"
        "print(tokenizer.sample(['the lower tower'] * 50, 0.3, 7))"
    )
    output = subprocess.check_output([sys.executable, "-c", code, model], text=True)
    expected = subwords[kind].sample(["the lower tower"] * 50, 0.3, 7)
    assert output == f"{expected}\n"


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_a_sampled_line_reads_as_the_line(
    subwords: dict[str, Tokenizer], kind: str
) -> None:
    for seed in range(20):
        sampled = subwords[kind].sample(LINES, 0.3, seed)
        assert subwords[kind].decode(sampled) == LINES


def test_only_words_are_remembered_and_no_sentence_without_blanks(
    subwords: dict[str, Tokenizer],
) -> None:
    """Or text without blanks would take 45 kB a sentence."""
    tokenizer = subwords["unigram"]
    searched = []
    processor = tokenizer._processor

    class Watched:
        def __getattr__(self, name: str) -> Any:
            return getattr(processor, name)

        def nbest_encode(self, word: str, **options: Any) -> Any:
            searched.append(word)
            return processor.nbest_encode(word, **options)

    sampler = SubwordSampler(Watched(), tokenizer.model_bytes)
    word, sentence = "newest", "thelowertoweristhenewest"
    for _ in range(2):
        assert sampler.sample([word, sentence], 0.3, 5) == tokenizer.sample(
            [word, sentence], 0.3, 5
        )
    assert sorted(searched) == [word, sentence, sentence]


@pytest.mark.parametrize("alpha", [0.3, 0.6])
def test_a_word_stays_characters_as_often_as_all_its_merges_are_left_out(
    subwords: dict[str, Tokenizer], alpha: float
) -> None:
    tokenizer, draws = subwords["bpe"], 4000
    [characters] = tokenizer.sample(["the"], 1.0, seed=1)
    pieces = tokenizer.pieces(characters)
    known = set(tokenizer.pieces(range(tokenizer.vocab_size)))
    merges = sum(
        one + other in known for one, other in zip(pieces, pieces[1:], strict=False)
    )
    share = alpha**merges
    assert 0 < share < 1
    found = tokenizer.sample(["the"] * draws, alpha, seed=1).count(characters) / draws
    assert abs(found - share) < 5 * math.sqrt(share * (1 - share) / draws)
