"""The model's named weights, and how each is drawn at the start.

Knows nothing of what the weights are used for. An initial value is a function of
(seed, name, shape), so it does not depend on which other weights there are.
"""

import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

Array = np.ndarray[Any, np.dtype[np.float32]]


class Parameters(tf.Module):
    """Float32 variables by name, in the order in which they were made."""

    def __init__(self, seed: int) -> None:
        super().__init__("parameters")
        self.seed = seed
        self.by_name: dict[str, tf.Variable] = {}

    def matrix(self, name: str, rows: int, *columns: int) -> tf.Variable:
        """Blocks [rows, columns[0]], [rows, columns[1]] ... side by side.

        Each is uniform with variance 2 / (rows + columns): Glorot & Bengio 2010,
        equation 16.
        """
        random = self._random(name)
        blocks = []
        for size in columns:
            limit = np.sqrt(6 / (rows + size))
            blocks.append(random.uniform(-limit, limit, [rows, size]))
        return self._add(name, np.concatenate(blocks, 1))

    def recurrent(self, name: str, size: int, *, beside: int = 0) -> tf.Variable:
        """Three orthogonal matrices [size, size], right of a `beside` columns' block.

        Orthogonal: Saxe, McClelland & Ganguli 2014; the block as `matrix` draws it.
        """
        random = self._random(name)
        limit = np.sqrt(6 / (size + beside))
        blocks = [random.uniform(-limit, limit, [size, beside])]
        for _ in range(3):
            q, r = np.linalg.qr(random.normal(size=[size, size]))
            blocks.append(q * np.sign(np.diag(r)))  # makes the draw uniform
        return self._add(name, np.concatenate(blocks, 1))

    def embeddings(self, name: str, vocabulary: int, size: int) -> tf.Variable:
        """Rows [vocabulary, size] of length about 1."""
        return self._add(
            name, self._random(name).normal(scale=size**-0.5, size=[vocabulary, size])
        )

    def vector(self, name: str, size: int) -> tf.Variable:
        """Uniform [size], as a matrix of one column is drawn."""
        limit = np.sqrt(6 / (size + 1))
        return self._add(name, self._random(name).uniform(-limit, limit, [size]))

    def zeros(self, name: str, *shape: int) -> tf.Variable:
        return self._add(name, np.zeros(shape))

    def norm(self, name: str, size: int) -> tf.Variable:
        """Gain 1 and bias 0, [2, size], as `layers.layer_norm` takes them."""
        return self._add(name, np.stack([np.ones(size), np.zeros(size)]))

    def values(self) -> dict[str, Array]:
        """Copies of all weights."""
        return {name: variable.numpy() for name, variable in self.by_name.items()}

    def assign(self, values: Mapping[str, Array]) -> None:
        """Takes the weights from `values`, which has each of them in its shape."""
        for name, variable in self.by_name.items():
            variable.assign(values[name])

    def _random(self, name: str) -> np.random.Generator:
        return np.random.default_rng([self.seed, zlib.crc32(name.encode())])

    def _add(self, name: str, value: np.ndarray[Any, Any]) -> tf.Variable:
        assert name not in self.by_name, name
        variable = tf.Variable(value.astype(np.float32), name=name.replace("/", "_"))
        self.by_name[name] = variable
        return variable
