"""Validation: the loss, and the scores of greedy translations, of a held-out set.

Knows nothing of updates or of the run directory.
"""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import tensorflow as tf

from nmt.batches import BATCH_SIGNATURE, Batch, fewer_if_long, longest_first, pack
from nmt.distribution import ALONE, Distribution
from nmt.drawing import MOST_PARTS, draw_attention
from nmt.evaluation import QuickScores, bleu_tokenizer, quick
from nmt.examples import choose_examples
from nmt.looking import look_at_tokens
from nmt.loss import batch_loss
from nmt.model import TranslationModel
from nmt.search_settings import BATCH_SIZE, Greedy
from nmt.tokenizer import TokenizerPair
from nmt.translation import TextHypothesis, translate

Tensor = Any

TIE = 1e-6  # of chrF, which is at most 100, decides where BLEU does not


@dataclass(frozen=True)
class ValidationResult:
    """What one look at the validation set found."""

    loss: float  # nats a target token, end of sentence included, no label smoothing
    scores: QuickScores
    hypotheses: list[TextHypothesis]  # one a sentence, of greedy search

    @property
    def translations(self) -> list[str]:
        return [hypothesis.text for hypothesis in self.hypotheses]

    @property
    def perplexity(self) -> float:
        return math.exp(min(self.loss, 700.0))  # beyond it, a float overflows

    def value(self, metric: str) -> float:
        """The figure that early stopping watches; higher is better.

        Equal BLEU is told apart by chrF: it is 0 as long as no translation has four
        tokens in a row right, for ever where the references are shorter than that.
        """
        bleu, chrf = (score.value for score in self.scores)
        return {"loss": -self.loss, "bleu": bleu + TIE * chrf, "chrf": chrf}[metric]


class Validation:
    """The validation set, ready to be used again and again."""

    def __init__(
        self,
        sources: list[str],
        references: list[str],
        target_language: str | None,
        tokenizers: TokenizerPair,
        model: TranslationModel,
        distribution: Distribution = ALONE,
    ) -> None:
        self.sources = sources
        self.references = references
        self.target_language = target_language
        self.tokenizers = tokenizers
        self.model = model
        self.distribution = distribution
        self.examples = choose_examples(sources, references)
        self.batches = _batches(
            tokenizers.source.encode(self.sources),
            tokenizers.target.encode(self.references),
        )
        self._loss = tf.function(
            self._batch_loss, autograph=False, input_signature=BATCH_SIGNATURE
        )

    @property
    def checksum(self) -> str:
        """SHA-256 (hex) of what decides what a score on this set means."""
        words = bleu_tokenizer(self.target_language)
        content = [self.sources, self.references, words]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()

    def run(self) -> ValidationResult:
        """Loss over all pairs, and BLEU and chrF of greedy translations.

        Each worker does its share, on its first device, and all have the result.
        """
        own = slice(self.distribution.worker, None, self.distribution.workers)
        sums = [self._loss(*batch) for batch in self.batches[own]]
        translated = translate(self.model, self.tokenizers, self.sources[own], Greedy())
        parts = self.distribution.exchange(
            [
                [[float(part.plain), float(part.tokens)] for part in sums],
                [asdict(line.hypotheses[0]) for line in translated],
            ]
        )
        losses = [batch for batches, _ in parts for batch in batches]
        plain = math.fsum(loss for loss, _ in losses)
        tokens = math.fsum(count for _, count in losses)
        of_workers = [[TextHypothesis(**each) for each in found] for _, found in parts]
        hypotheses = [
            of_workers[place % len(parts)][place // len(parts)]
            for place in range(len(self.sources))
        ]
        texts = [hypothesis.text for hypothesis in hypotheses]
        scores = quick(texts, self.references, target_language=self.target_language)
        return ValidationResult(plain / tokens, scores, hypotheses)

    def draw_examples(self, result: ValidationResult) -> list[bytes]:
        """PNG pictures of the attention in the examples, where there is any to draw."""
        pictures = []
        for place in self.examples:
            source, tokens = self.sources[place], result.hypotheses[place].tokens
            if tokens:
                look = look_at_tokens(self.model, self.tokenizers, source, tokens)
                across, down = look.source.words(), look.target.words()
                if down and max(len(across), len(down)) <= MOST_PARTS:
                    texts = look.source.texts(across), look.target.texts(down)
                    picture = draw_attention(look.over(across, down), *texts, "png")
                    pictures.append(picture.content)
        return pictures

    def _batch_loss(self, source: Tensor, target_in: Tensor, target_out: Tensor) -> Any:
        return batch_loss(self.model, Batch(source, target_in, target_out), 0.0)


def _batches(
    sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]]
) -> list[Batch]:
    """All pairs in batches of about equal lengths, of long ones fewer in a batch."""
    longest = [max(map(len, pair)) + 1 for pair in zip(sources, targets, strict=True)]
    return [
        pack([sources[i] for i in chosen], [targets[i] for i in chosen])
        for chosen in longest_first(longest, partial(fewer_if_long, BATCH_SIZE))
    ]
