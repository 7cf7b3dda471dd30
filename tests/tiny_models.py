"""Models of a few ids with random weights, large enough that outputs differ."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from nmt.config import ModelConfig
from nmt.model import TranslationModel

VOCABULARY = 12


def tiny_model(
    seed: int, vocabulary: int = VOCABULARY, scale: float = 3.0, **config: Any
) -> TranslationModel:
    sizes = {"embedding_size": 5, "encoder_size": 4, "decoder_size": 6}
    settings = ModelConfig(**{**sizes, **config})
    model = TranslationModel(settings, vocabulary, vocabulary, seed=seed)
    weights = model.parameters.values()
    model.parameters.assign({name: scale * value for name, value in weights.items()})
    return model


def give_random_weights(model: TranslationModel, seed: int, scale: float) -> None:
    """Others in place of a model's weights: its graphs need not be traced again."""
    random = np.random.default_rng(seed)
    weights = model.parameters.values()
    model.parameters.assign(
        {
            name: random.normal(scale=scale, size=value.shape).astype(np.float32)
            for name, value in weights.items()
        }
    )


def random_sentences(
    seed: int, lengths: Sequence[int], vocabulary: int = VOCABULARY
) -> list[list[int]]:
    random = np.random.default_rng(seed)
    return [random.integers(4, vocabulary, length).tolist() for length in lengths]
