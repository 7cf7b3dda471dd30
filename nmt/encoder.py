"""THE ENCODER: embedded source tokens -> the states that the decoder attends to.

Knows nothing of tokens, attention or the decoder.

Shapes: B sentences, S source positions, E embedding, H size per direction, C = 2 H.
What runs over time is time-major.
"""

from typing import Any

import tensorflow as tf

from nmt.cells import encoder_cell
from nmt.config import ModelConfig
from nmt.layers import Noise, linear
from nmt.parameters import Parameters
from nmt.recurrence import scan

Tensor = Any


class Encoder(tf.Module):
    """Bidirectional GRU layers over embedded source tokens."""

    def __init__(self, config: ModelConfig, parameters: Parameters) -> None:
        super().__init__("encoder")
        self.size = config.encoder_size
        self.layers: list[tuple[dict[str, tf.Variable], ...]] = []
        width = config.embedding_size
        for layer in range(config.encoder_layers):
            directions = []
            for direction in ("forward", "backward"):
                name = f"encoder/{layer}/{direction}"
                size = config.encoder_size
                directions.append(
                    {
                        "input": parameters.matrix(
                            f"{name}/input", width, size, size, size
                        ),
                        "input_bias": parameters.zeros(f"{name}/input_bias", 3 * size),
                        "recurrent": parameters.recurrent(f"{name}/recurrent", size),
                        "recurrent_bias": parameters.zeros(
                            f"{name}/recurrent_bias", 3 * size
                        ),
                    }
                )
            self.layers.append(tuple(directions))
            width = 2 * config.encoder_size

    def __call__(self, embedded: Tensor, lengths: Tensor, noise: Noise) -> Tensor:
        """States [S, B, C] for embedded [S, B, E]; anything where padding is.

        Products are made in the type of `embedded`.
        """
        states = embedded
        for layer, (forward, backward) in enumerate(self.layers):
            above, before = states, tf.cast(states, embedded.dtype)
            there = self._run(forward, before, noise, f"encoder/{layer}/forward")
            back = self._run(
                backward,
                _reversed(before, lengths),
                noise,
                f"encoder/{layer}/backward",
            )
            states = tf.concat([there, _reversed(back, lengths)], -1)
            if layer > 0:
                states += above
        return states

    def _run(
        self, weights: dict[str, tf.Variable], x: Tensor, noise: Noise, site: str
    ) -> Tensor:
        """States [S, B, H] of one direction, read in the order given."""
        rows = tf.reshape(x, [-1, x.shape[-1]])
        projected = linear(rows, weights["input"]) + weights["input_bias"]
        projected = tf.reshape(projected, [*tf.unstack(tf.shape(x)[:2]), 3 * self.size])
        start = tf.zeros([tf.shape(x)[1], self.size], projected.dtype)
        shared = {"recurrent_bias": weights["recurrent_bias"].read_value()}
        if noise.rates.get("state"):
            shared["state_mask"] = noise.mask("state", tf.shape(start), site)
        matrices = {"recurrent": tf.cast(weights["recurrent"].read_value(), x.dtype)}
        states, _ = scan(encoder_cell, (projected,), start, matrices, shared)
        return states


def _reversed(x: Tensor, lengths: Tensor) -> Tensor:
    """x [S, B, ...] with the first `lengths` [B] positions back to front."""
    return tf.reverse_sequence(x, lengths, seq_axis=0, batch_axis=1)
