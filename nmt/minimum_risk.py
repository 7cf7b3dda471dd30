"""Minimum-Bayes-risk choice: the text that is most like all that the model would say.

Knows nothing of models or search. Kumar and Byrne 2004; with samples for the model's
distribution, Eikema and Aziz 2020. The gain is chrF (Popovic 2015), 0 to 100, as
sacreBLEU computes it of a sentence.
"""

from collections import Counter
from collections.abc import Mapping
from itertools import chain
from typing import Any

import numpy as np

ORDER = 6  # characters of the longest n-gram
BETA = 2.0  # recall counts BETA^2 times as much as precision


def expected_gains(weights: Mapping[str, float]) -> dict[str, float]:
    """Each text's expected chrF, if one of them, by the weights, is the reference."""
    texts = list(weights)
    shares = np.array([weights[text] for text in texts])
    expected = sentence_gains(texts) @ (shares / shares.sum())
    return dict(zip(texts, expected.tolist(), strict=True))


def sentence_gains(texts: list[str]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """[N, N]: the chrF of each text as translation (row) by each as reference.

    All against all by array operations, since N^2 calls of sacreBLEU take seconds.
    """
    precision = np.zeros([len(texts), len(texts)])
    recall = np.zeros_like(precision)
    orders = np.zeros_like(precision)
    for order in range(1, ORDER + 1):
        counts = _ngram_counts(texts, order)  # [N, different n-grams]
        totals = counts.sum(1)
        matches = np.stack([np.minimum(counts, row).sum(1) for row in counts])
        # sacreBLEU's effective order: what either text is too short for is left out.
        there = (totals[:, np.newaxis] > 0) & (totals > 0)
        some = np.maximum(totals, 1)
        precision += np.where(there, matches / some[:, np.newaxis], 0)
        recall += np.where(there, matches / some, 0)
        orders += there
    precision /= np.maximum(orders, 1)
    recall /= np.maximum(orders, 1)
    divisor = BETA**2 * precision + recall
    gains = (1 + BETA**2) * precision * recall / np.where(divisor > 0, divisor, 1)
    return 100 * gains


def _ngram_counts(texts: list[str], order: int) -> np.ndarray[Any, np.dtype[np.int32]]:
    """How often each text has each n-gram of characters, blanks left out."""
    found = []
    for text in texts:
        letters = "".join(text.split())
        places = range(len(letters) - order + 1)
        found.append(Counter(letters[place : place + order] for place in places))
    columns = {ngram: n for n, ngram in enumerate(dict.fromkeys(chain(*found)))}
    counts = np.zeros([len(texts), len(columns)], np.int32)
    for row, ngrams in zip(counts, found, strict=True):
        for ngram, count in ngrams.items():
            row[columns[ngram]] = count
    return counts
