"""What can translate: one model, or several as one.

Knows nothing of search, text or files.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import tensorflow as tf

from nmt.model import TranslationModel

Tensor = Any


class Model(Protocol):
    """What decoding and scoring use: a TranslationModel has it, and an Ensemble."""

    def __hash__(self) -> int: ...

    def encode(self, source: Tensor) -> Any:
        """Memory, leaves [B, ...], of source [B, S]."""

    def start(self, memory: Any) -> Any:
        """State, leaves [B, ...], before the first token."""

    def stepper(self) -> Callable[..., tuple[Tensor, Any, Tensor]]:
        """A step (tokens, state, memory) -> (logits, state, attention)."""

    def teacher_forced(self, source: Tensor, target_in: Tensor) -> tuple[Any, Tensor]:
        """(readouts, attention [T, B, S]) of known tokens."""

    def logits(self, readouts: Any) -> Tensor:
        """Logits [T, B, V]."""


class Ensemble:
    """Models of one pair of vocabularies; their log-probabilities are averaged.

    The mean of the logits is the mean of the log-probabilities but for a constant,
    which the softmax takes out: so p is the geometric mean of the models' p, made to
    sum to 1. The attention is the mean of theirs.
    """

    def __init__(self, models: Sequence[TranslationModel]) -> None:
        self.models = tuple(models)

    def encode(self, source: Tensor) -> tuple[Any, ...]:
        """Each model's memory of source [B, S]."""
        return tuple(model.encode(source) for model in self.models)

    def start(self, memory: tuple[Any, ...]) -> tuple[Tensor, ...]:
        """Each model's state before the first token."""
        pairs = zip(self.models, memory, strict=True)
        return tuple(model.start(own) for model, own in pairs)

    def stepper(self) -> Callable[..., tuple[Tensor, tuple[Tensor, ...], Tensor]]:
        """The step (tokens, states, memories) -> (logits, states, attention)."""
        steps = [model.stepper() for model in self.models]

        def step(
            tokens: Tensor, state: tuple[Tensor, ...], memory: tuple[Any, ...]
        ) -> tuple[Tensor, tuple[Tensor, ...], Tensor]:
            made = [
                step(tokens, own_state, own_memory)
                for step, own_state, own_memory in zip(
                    steps, state, memory, strict=True
                )
            ]
            logits, states, attention = zip(*made, strict=True)
            return _mean(logits), states, _mean(attention)

        return step

    def teacher_forced(
        self, source: Tensor, target_in: Tensor
    ) -> tuple[tuple[Tensor, ...], Tensor]:
        """(each model's readouts [T, B, E], the mean attention [T, B, S])."""
        made = [model.teacher_forced(source, target_in) for model in self.models]
        readouts, attention = zip(*made, strict=True)
        return readouts, _mean(attention)

    def logits(self, readouts: tuple[Tensor, ...]) -> Tensor:
        """Mean logits [..., V] of each model's readouts [..., E]."""
        pairs = zip(self.models, readouts, strict=True)
        return _mean([model.logits(own) for model, own in pairs])


def _mean(tensors: Sequence[Tensor]) -> Tensor:
    return tf.add_n(list(tensors)) / len(tensors)
