"""Random segmentations of text into a sentencepiece model's subwords.

Knows nothing of batches or training. Our own, since sentencepiece's sampling cannot be
repeated: equal seeds give other segmentations in another process (seen with 0.2.2 and
0.2.3), and a resumed run is to see what an uninterrupted one sees.

Subwords never cross a space, so a line is segmented word by word.
"""

import math
import random
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from sentencepiece.sentencepiece_model_pb2 import ModelProto, TrainerSpec

SPACE = "\u2581"  # sentencepiece's sign, which begins a word
WORD = re.compile(f"{SPACE}[^{SPACE}]*|[^{SPACE}]+")

# Segmentations of one word that are told apart; few words have more that matter.
SEGMENTATIONS = 64
# Words whose segmentations are remembered, and how long they are at most: a sentence
# that is written without blanks does not come again.
WORDS, LONGEST_WORD = 1 << 16, 24

Segment = Callable[[str, float, random.Random], list[int]]


class SubwordSampler:
    """Samples segmentations by the kind of the model: BPE-dropout, or unigram."""

    def __init__(self, processor: Any, model_bytes: bytes) -> None:
        """Raises: ValueError for a model of words or characters: one segmentation."""
        model = ModelProto.FromString(model_bytes)
        self._processor = processor
        self._segment: Segment
        if model.trainer_spec.model_type == TrainerSpec.BPE:
            # In order of their ids, which is the order in which merges were learnt.
            ranks = {piece.piece: rank for rank, piece in enumerate(model.pieces)}
            self._segment = _bpe_dropout(ranks)
        elif model.trainer_spec.model_type == TrainerSpec.UNIGRAM:
            self._segment = _unigram(processor, [piece.score for piece in model.pieces])
        else:
            raise ValueError("only subwords (bpe, unigram) can be sampled")

    def sample(self, lines: Sequence[str], alpha: float, seed: int) -> list[list[int]]:
        """The ids of each line: a function of the arguments, in every process."""
        source = random.Random(seed)
        return [
            [
                token
                for word in WORD.findall(self._processor.normalize(line))
                for token in self._segment(word, alpha, source)
            ]
            for line in lines
        ]


def _bpe_dropout(ranks: dict[str, int]) -> Segment:
    """Merges in the order learnt, each left out with probability alpha each time.

    Provilkov, Emelianenko & Voita 2020, algorithm 1.
    """

    def segment(word: str, alpha: float, source: random.Random) -> list[int]:
        symbols = list(word)
        while True:
            merges = [
                (rank, place)
                for place, pair in enumerate(zip(symbols, symbols[1:], strict=False))
                if (rank := ranks.get("".join(pair))) is not None
                and source.random() >= alpha
            ]
            if not merges:
                break
            _, place = min(merges)
            symbols[place : place + 2] = ["".join(symbols[place : place + 2])]
        return [token for symbol in symbols for token in _ids(symbol)]

    def _ids(symbol: str) -> list[int]:
        """The id of a symbol, or of its bytes where it is an unknown character."""
        if symbol in ranks:
            return [ranks[symbol]]
        return [ranks[f"<0x{byte:02X}>"] for byte in symbol.encode()]

    return segment


def _unigram(processor: Any, scores: Sequence[float]) -> Segment:
    """A word's segmentation x with probability proportional to p(x)^alpha.

    Kudo 2018, section 3.3, over the most probable segmentations.
    """

    def likeliest(word: str) -> tuple[list[list[int]], list[float]]:
        if word == SPACE:  # which, given alone, sentencepiece takes for no text
            return [[processor.piece_to_id(SPACE)]], [0.0]
        found = processor.nbest_encode(
            word.removeprefix(SPACE), nbest_size=SEGMENTATIONS, out_type=int
        )
        return found, [math.fsum(scores[token] for token in ids) for ids in found]

    remembered = lru_cache(maxsize=WORDS)(likeliest)

    def segment(word: str, alpha: float, source: random.Random) -> list[int]:
        find = remembered if len(word) <= LONGEST_WORD else likeliest
        segmentations, log_probs = find(word)
        best = max(log_probs)
        weights = [math.exp(alpha * (log_prob - best)) for log_prob in log_probs]
        return source.choices(segmentations, weights)[0]

    return segment
