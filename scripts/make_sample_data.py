"""Writes the sample corpus: English-German sentence pairs from a small grammar.

    python scripts/make_sample_data.py [--output DIR]

The same bytes every time. For the held-out parts, which words belong together as well:
PART.align, Pharaoh lines of `english-german` word numbers from 0. Knows neither
language: `sample_corpus` makes the sentences.
"""

import argparse
import random
import re
from collections import Counter
from pathlib import Path

from sample_corpus.compound import COMPOUND
from sample_corpus.lexicon import Phrase
from sample_corpus.marks import links
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
    """Sentence pairs with their marks, distinct on either side, in random order."""
    rng = random.Random(seed)
    weights, templates = zip(*SIMPLE, *TIMES, *QUESTIONS, *COMPOUND, strict=True)
    german_of: dict[str, str] = {}
    seen: set[str] = set()
    pairs: list[Phrase] = []
    while len(pairs) < count:
        pair = rng.choices(templates, weights)[0](rng)
        text = pair.plain()
        if text.english in german_of:
            known = german_of[text.english]
            assert known == text.german, f"two translations: {text.english}"
        elif text.german not in seen and len(text.english.split()) >= MIN_WORDS:
            german_of[text.english] = text.german
            seen.add(text.german)
            pairs.append(pair)
    return pairs


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
    texts = {"en": pair.plain().english, "de": pair.plain().german}
    return [
        f"{language}:{word.strip('.,?').lower()}"
        for language, text in texts.items()
        for word in re.split(WORD_END, text)
    ]


def write_corpus(directory: Path) -> None:
    """One file a part and language, e.g. test.de; and the links, e.g. test.align."""
    parts = split(make_pairs(sum(SIZES.values()), SEED), SIZES)
    directory.mkdir(parents=True, exist_ok=True)
    for part, pairs in parts.items():
        files = {
            "en": [pair.plain().english for pair in pairs],
            "de": [pair.plain().german for pair in pairs],
            "align": [pharaoh_line(pair) for pair in pairs],
        }
        if part == "train":
            del files["align"]
        for ending, lines in files.items():
            text = "".join(f"{line}\n" for line in lines)
            (directory / f"{part}.{ending}").write_bytes(text.encode())


def pharaoh_line(pair: Phrase) -> str:
    return " ".join(f"{i}-{j}" for i, j in links(pair.english, pair.german))


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the sample corpus.")
    default = Path(__file__).resolve().parent.parent / "data" / "sample"
    parser.add_argument("--output", type=Path, default=default, metavar="DIR")
    write_corpus(parser.parse_args().output)


if __name__ == "__main__":
    main()
