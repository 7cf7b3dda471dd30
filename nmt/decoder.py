"""THE DECODER: the encoder's states and what was said -> the layer under the softmax.

Knows nothing of tokens, vocabularies or search.

Shapes: B sentences, S source and T target positions, N = B * K rows (the K of a
sentence together), E embedding, C memory size, D decoder size, A attention size. What
runs over time is time-major.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import tensorflow as tf

from nmt.cells import DECODER_CELLS
from nmt.config import ModelConfig
from nmt.layers import Noise, layer_norm, linear
from nmt.parameters import Parameters
from nmt.precision import wide
from nmt.recurrence import Multiplication, multiplication, product, scan, step

Tensor = Any


class Memory(NamedTuple):
    """What the decoder knows of the source; made once a sentence."""

    keys: Tensor  # [B, S, A]
    values: Tensor  # [B, S, C]
    for_gates: Tensor  # [B, S, 3 D]: the values times the GRU's context matrix
    for_readout: Tensor  # [B, S, E]: the values times the readout's context matrix
    mask: Tensor  # [B, S] float32: 1 for tokens, 0 for padding


class Decoder(tf.Module):
    """An attention GRU: one step of it, and all steps of known targets."""

    def __init__(self, config: ModelConfig, parameters: Parameters) -> None:
        super().__init__("decoder")
        self.cell = DECODER_CELLS[config.decoder_cell]
        embedding, size = config.embedding_size, config.decoder_size
        memory = 2 * config.encoder_size
        self.size = size
        additive = config.attention == "additive"
        norms: dict[str, int] = {}

        def matrix(name: str, rows: int, *columns: int) -> tf.Variable:
            norms[name] = sum(columns)
            return parameters.matrix(f"decoder/{name}", rows, *columns)

        self.start_matrix = matrix("start", memory, size)
        self.start_bias = parameters.zeros("decoder/start_bias", size)
        self.input_matrix = matrix("input", embedding, size, size, size)
        self.input_bias = parameters.zeros("decoder/input_bias", 3 * size)
        self.key_matrix = (
            None if config.attention == "dot" else matrix("keys", memory, size)
        )
        self.readout_parts = [size, memory, embedding]  # state, context, token
        self.readout_matrix = matrix("readout", sum(self.readout_parts), embedding)
        self.readout_bias = parameters.zeros("decoder/readout_bias", embedding)
        self.matrices = {
            "state": parameters.recurrent(
                "decoder/state", size, beside=size if additive else 0
            )
        }
        self.context_matrix = matrix("context", memory, size, size, size)
        norms["recurrent"] = 3 * size
        self.shared = {
            "recurrent_bias": parameters.zeros("decoder/recurrent_bias", 3 * size)
        }
        if additive:
            norms["query"] = size
            self.shared["direction"] = parameters.vector("decoder/direction", size)
        if config.decoder_cell == "conditional_gru":
            self.matrices["first"] = parameters.recurrent("decoder/first", size)
            norms["first"] = 3 * size
            for bias in ("first_bias", "context_bias"):
                self.shared[bias] = parameters.zeros(f"decoder/{bias}", 3 * size)
        if config.attention == "general":
            del norms["keys"]  # its bias would cancel in the softmax
        self.norms = {}
        if config.layer_norm:
            for name, width in norms.items():
                self.norms[name] = parameters.norm(f"decoder/{name}_norm", width)
        in_cell = {"query", "recurrent", "context", "first"} & set(self.norms)
        self.shared |= {f"{name}_norm": self.norms[name] for name in sorted(in_cell)}

    def remember(self, states: Tensor, mask: Tensor) -> Memory:
        """Memory of the encoder's states [B, S, C]: all that no step changes.

        A context c_i = sum_j a_ij h_j is only ever multiplied by matrices C, and C c_i
        is sum_j a_ij (C h_j).
        """
        rows = tf.reshape(states, [-1, states.shape[-1]])

        def by_sentence(rows: Tensor) -> Tensor:
            shape = [*tf.unstack(tf.shape(states)[:2]), rows.shape[-1]]
            return tf.cast(tf.reshape(rows, shape), states.dtype)

        keys = states
        if self.key_matrix is not None:
            keys = linear(rows, self.key_matrix)
            keys = by_sentence(self._normalized(keys, "keys"))
        _, of_context, _ = self._readout_matrices()
        for_gates = by_sentence(linear(rows, self.context_matrix))
        for_readout = by_sentence(linear(rows, of_context))
        return Memory(keys, states, for_gates, for_readout, mask)

    def start(self, memory: Memory) -> Tensor:
        """The state s_0 [B, D] before the first token."""
        values = wide(memory.values)
        total = tf.reduce_sum(values * memory.mask[..., tf.newaxis], 1)
        mean = total / tf.reduce_sum(memory.mask, 1, keepdims=True)
        product = linear(tf.cast(mean, memory.values.dtype), self.start_matrix)
        return tf.tanh(self._normalized(product, "start") + self.start_bias)

    def step(
        self,
        embedded: Tensor,
        state: Tensor,
        memory: Memory,
        multiplications: Mapping[str, Multiplication],
    ) -> tuple[Tensor, Tensor, Tensor]:
        """(readout [N, E], state [N, D], attention [N, S]) for embedded [N, E].

        `multiplications` is what the method of that name gives.
        """
        projected = self._projected(wide(multiplications["input"](embedded)))
        state, (weights,) = step(
            self.cell,
            (projected,),
            state,
            {**multiplications, "context": multiplication(memory.for_gates)},
            self._shared(memory),
        )
        beside = tf.concat([state, wide(embedded)], -1)
        total = wide(multiplications["readout"](beside))
        total += wide(product(weights, memory.for_readout))
        return self._read_out(total), state, weights

    def multiplications(self, dtype: tf.DType) -> dict[str, Multiplication]:
        """Those of a step that no step changes, made ready once for a loop of steps."""
        of_state, _, of_token = self._readout_matrices()
        matrices = self._matrices(dtype) | {
            "input": tf.cast(self.input_matrix, dtype),
            "readout": tf.cast(tf.concat([of_state, of_token], 0), dtype),
        }
        return {name: multiplication(matrix) for name, matrix in matrices.items()}

    def __call__(
        self, embedded: Tensor, memory: Memory, noise: Noise
    ) -> tuple[Tensor, Tensor]:
        """(readouts [T, B, E], attention [T, B, S]) for known inputs [T, B, E].

        All that does not depend on the state is done for all steps at once: the
        inputs' projection before the scan, readouts after it.
        """
        dtype = memory.values.dtype
        start = self.start(memory)
        matrices = self._matrices(dtype) | {"context": memory.for_gates}
        shared = self._shared(memory)
        if noise.rates.get("state"):
            shared["state_mask"] = noise.mask("state", tf.shape(start), "decoder")
        steps = tf.unstack(tf.shape(embedded)[:2])
        rows = tf.reshape(embedded, [-1, embedded.shape[-1]])
        projected = self._projected(linear(rows, self.input_matrix))
        projected = tf.reshape(projected, [*steps, 3 * self.size])
        states, (weights,) = scan(self.cell, (projected,), start, matrices, shared)
        by_sentence = tf.cast(tf.transpose(weights, [1, 0, 2]), dtype)
        of_contexts = tf.transpose(by_sentence @ memory.for_readout, [1, 0, 2])
        of_state, _, of_token = self._readout_matrices()
        after = tf.cast(tf.reshape(states, [-1, states.shape[-1]]), dtype)
        of_contexts = tf.reshape(wide(of_contexts), [-1, of_contexts.shape[-1]])
        readouts = self._read_out(
            linear(after, of_state) + of_contexts + linear(rows, of_token)
        )
        return tf.reshape(readouts, [*steps, readouts.shape[-1]]), weights

    def _matrices(self, dtype: tf.DType) -> dict[str, Tensor]:
        """What the cell multiplies by, but for the memory."""
        return {
            name: tf.cast(matrix.read_value(), dtype)
            for name, matrix in self.matrices.items()
        }

    def _shared(self, memory: Memory) -> dict[str, Tensor]:
        """What all steps of the cell share."""
        shared = {name: tensor.read_value() for name, tensor in self.shared.items()}
        if "direction" in shared:
            shared["direction"] = tf.cast(shared["direction"], memory.keys.dtype)
        return shared | {"keys": memory.keys, "mask": memory.mask}

    def _projected(self, product: Tensor) -> Tensor:
        """W E y_{i-1} + b, of the product [N, 3 D]."""
        return self._normalized(product, "input") + self.input_bias

    def _readout_matrices(self) -> list[Tensor]:
        """What the readout multiplies state, context and token by: [D | C | E, E]."""
        return tf.split(self.readout_matrix, self.readout_parts)

    def _read_out(self, product: Tensor) -> Tensor:
        """The layer [N, E] under the softmax: of W [s_i; c_i; E y_{i-1}] [N, E]."""
        return tf.tanh(self._normalized(product, "readout") + self.readout_bias)

    def _normalized(self, x: Tensor, name: str) -> Tensor:
        return layer_norm(x, self.norms[name]) if name in self.norms else x
