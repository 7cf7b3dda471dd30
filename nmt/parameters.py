"""The model's named weights, and how each is drawn at the start.

Knows nothing of what the weights are used for. An initial value is a function of
(seed, name, shape), so it does not depend on which other weights there are.
"""

import math
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

Array = np.ndarray[Any, np.dtype[np.float32]]
Drawn = np.ndarray[Any, Any]


class Variables(tf.Module):
    """Float32 variables by name, in the order in which they were made."""

    by_name: dict[str, tf.Variable]

    @property
    def count(self) -> int:
        """How many numbers there are in all."""
        return sum(math.prod(shape) for shape in self.shapes().values())

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {name: tuple(each.shape) for name, each in self.by_name.items()}

    def values(self) -> dict[str, Array]:
        """Copies of all numbers."""
        return {name: variable.numpy() for name, variable in self.by_name.items()}

    def assign(self, values: Mapping[str, Array]) -> None:
        """Takes the numbers from `values`, which has each variable in its shape."""
        for name, variable in self.by_name.items():
            variable.assign(values[name])


class Parameters(Variables):
    """The weights of a model.

    Without a seed they are all 0: what is read from a file need not be drawn first,
    which takes seconds for large orthogonal matrices.
    """

    def __init__(self, seed: int | None) -> None:
        super().__init__("parameters")
        self.seed = seed
        self.by_name = {}

    def matrix(self, name: str, rows: int, *columns: int) -> tf.Variable:
        """Blocks [rows, columns[0]], [rows, columns[1]] ... side by side.

        Each is uniform with variance 2 / (rows + columns): Glorot & Bengio 2010,
        equation 16.
        """

        def draw(random: np.random.Generator) -> Drawn:
            limits = [np.sqrt(6 / (rows + size)) for size in columns]
            blocks = [
                random.uniform(-limit, limit, [rows, size])
                for limit, size in zip(limits, columns, strict=True)
            ]
            return np.concatenate(blocks, 1)

        return self._add(name, [rows, sum(columns)], draw)

    def recurrent(self, name: str, size: int, *, beside: int = 0) -> tf.Variable:
        """Three orthogonal matrices [size, size], right of a `beside` columns' block.

        Orthogonal: Saxe, McClelland & Ganguli 2014; the block as `matrix` draws it.
        """

        def draw(random: np.random.Generator) -> Drawn:
            limit = np.sqrt(6 / (size + beside))
            blocks = [random.uniform(-limit, limit, [size, beside])]
            for _ in range(3):
                q, r = np.linalg.qr(random.normal(size=[size, size]))
                blocks.append(q * np.sign(np.diag(r)))  # makes the draw uniform
            return np.concatenate(blocks, 1)

        return self._add(name, [size, beside + 3 * size], draw)

    def embeddings(self, name: str, vocabulary: int, size: int) -> tf.Variable:
        """Rows [vocabulary, size] of length about 1."""
        shape = [vocabulary, size]
        return self._add(
            name, shape, lambda random: random.normal(scale=size**-0.5, size=shape)
        )

    def vector(self, name: str, size: int) -> tf.Variable:
        """Uniform [size], as a matrix of one column is drawn."""
        limit = np.sqrt(6 / (size + 1))
        return self._add(
            name, [size], lambda random: random.uniform(-limit, limit, [size])
        )

    def zeros(self, name: str, *shape: int) -> tf.Variable:
        return self._add(name, shape, lambda _: np.zeros(shape))

    def norm(self, name: str, size: int) -> tf.Variable:
        """Gain 1 and bias 0, [2, size], as `layers.layer_norm` takes them."""
        start = np.stack([np.ones(size), np.zeros(size)])
        return self._add(name, start.shape, lambda _: start)

    def _add(
        self,
        name: str,
        shape: Sequence[int],
        draw: Callable[[np.random.Generator], Drawn],
    ) -> tf.Variable:
        assert name not in self.by_name, name
        if self.seed is None:
            value = np.zeros(shape)
        else:
            value = draw(np.random.default_rng([self.seed, zlib.crc32(name.encode())]))
        variable = tf.Variable(value.astype(np.float32), name=name.replace("/", "_"))
        self.by_name[name] = variable
        return variable
