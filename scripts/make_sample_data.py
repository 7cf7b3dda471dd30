"""Writes the sample corpus: English-German sentence pairs from a small grammar.

    python scripts/make_sample_data.py [--output DIR]

The same bytes every time. Knows neither language: `sample_corpus` makes the sentences.
"""

import argparse
import random
import re
from collections import Counter
from pathlib import Path

from sample_corpus.compound import COMPOUND
from sample_corpus.lexicon import Phrase
from sample_corpus.questions import QUESTIONS
from sample_corpus.simple import SIMPLE
from sample_corpus.times import TIMES

SEED = 1
SIZES = {"train": 12000, "validation": 500, "test": 500}
# Held-out sentences have only words that stand in more pairs than this.
RARE = 15
MIN_WORDS = 3
# Number words count by their parts: twenty-one, einundzwanzig.
WORD_END = r" |-|und(?=[a-zßü]+[zß]ig)"


def make_pairs(count: int, seed: int) -> list[Phrase]:
    """Sentence pairs, distinct on either side, in random order."""
    rng = random.Random(seed)
    weights, templates = zip(*SIMPLE, *TIMES, *QUESTIONS, *COMPOUND, strict=True)
    german_of: dict[str, str] = {}
    seen: set[str] = set()
    while len(german_of) < count:
        pair = rng.choices(templates, weights)[0](rng)
        if pair.english in german_of:
            known = german_of[pair.english]
            assert known == pair.german, f"two translations: {pair.english}"
        elif pair.german not in seen and len(pair.english.split()) >= MIN_WORDS:
            german_of[pair.english] = pair.german
            seen.add(pair.german)
    return [Phrase(*pair) for pair in german_of.items()]


def split(pairs: list[Phrase], sizes: dict[str, int]) -> dict[str, list[Phrase]]:
    """Parts by name: train the largest; the others only of words that are not rare."""
    counts = Counter(word for pair in pairs for word in set(words(pair)))
    held_out_size = sum(sizes.values()) - sizes["train"]
    held_out: list[Phrase] = []
    train: list[Phrase] = []
    for pair in pairs:
        is_known = all(counts[word] > RARE for word in words(pair))
        wanted = held_out if is_known and len(held_out) < held_out_size else train
        wanted.append(pair)
    return {
        "train": train,
        "validation": held_out[: sizes["validation"]],
        "test": held_out[sizes["validation"] :],
    }


def words(pair: Phrase) -> list[str]:
    """Lower-cased words, marked with their language."""
    texts = {"en": pair.english, "de": pair.german}
    return [
        f"{language}:{word.strip('.,?').lower()}"
        for language, text in texts.items()
        for word in re.split(WORD_END, text)
    ]


def write_corpus(directory: Path) -> None:
    """One file a part and language, e.g. test.de."""
    parts = split(make_pairs(sum(SIZES.values()), SEED), SIZES)
    directory.mkdir(parents=True, exist_ok=True)
    for part, pairs in parts.items():
        english = "".join(f"{pair.english}\n" for pair in pairs)
        german = "".join(f"{pair.german}\n" for pair in pairs)
        (directory / f"{part}.en").write_bytes(english.encode())
        (directory / f"{part}.de").write_bytes(german.encode())


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the sample corpus.")
    default = Path(__file__).resolve().parent.parent / "data" / "sample"
    parser.add_argument("--output", type=Path, default=default, metavar="DIR")
    write_corpus(parser.parse_args().output)


if __name__ == "__main__":
    main()
