"""THE MODEL: Encoder, Decoder and TranslationModel: `encode`, `start`, `step`.

Knows nothing of search, training, text or files. Where it departs from Bahdanau, Cho &
Bengio 2015:

- the reset gate acts after the recurrent product (see `recurrence.gru`)
- s_0 = tanh(W mean_j h_j + b), as Nematus has it, not tanh(W h_backward_1)
- the readout before the softmax is tanh([s_i; c_i; E y_{i-1}] W + b) of the size of
  the embeddings, not a maxout of s_{i-1}; the output matrix may be the embeddings
- `conditional_gru` is Nematus's decoder (Sennrich et al. 2017), `general` and `dot`
  are Luong et al. 2015's scores, of the same query state as the additive one
- layer_norm: on each product of the decoder (Ba et al. 2016, with the three gates of a
  product normalised together), on additive attention's keys, the start and the
  readout. Not inside the encoder, whose GRU stays the one that cuDNN computes
- encoder layers from the second on are added to what they read (residual)

Shapes: B sentences, S source and T target positions, N = B * K decoder rows (the K of
a sentence together), E embedding, H encoder size per direction, C = 2 H memory size,
D decoder size, A attention size, V vocabulary. What runs over time is time-major.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from nmt.cells import DECODER_CELLS, encoder_cell
from nmt.config import ModelConfig
from nmt.layers import SILENCE, Noise, layer_norm
from nmt.parameters import Parameters
from nmt.precision import wide
from nmt.recurrence import multiplication, product, scan, step
from nmt.tokenizer import PAD

Tensor = Any
Step = Callable[[Tensor, Tensor, "Memory"], tuple[Tensor, Tensor, Tensor]]


class Memory(NamedTuple):
    """What the decoder knows of the source; made once a sentence."""

    keys: Tensor  # [B, S, A]
    values: Tensor  # [B, S, C]
    projected: Tensor  # [B, S, 3 D]: the values times the GRU's context matrix
    mask: Tensor  # [B, S] float32: 1 for tokens, 0 for padding


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
        projected = _product(rows, weights["input"]) + weights["input_bias"]
        projected = tf.reshape(projected, [*tf.unstack(tf.shape(x)[:2]), 3 * self.size])
        start = tf.zeros([tf.shape(x)[1], self.size], projected.dtype)
        shared = {"recurrent_bias": weights["recurrent_bias"].read_value()}
        if noise.rates.get("state"):
            shared["state_mask"] = noise.mask("state", tf.shape(start), site)
        matrices = {"recurrent": tf.cast(weights["recurrent"].read_value(), x.dtype)}
        states, _ = scan(encoder_cell, (projected,), start, matrices, shared)
        return states


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
        self.readout_matrix = matrix("readout", size + memory + embedding, embedding)
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
        """Memory of the encoder's states [B, S, C]: all that no step changes."""
        rows = tf.reshape(states, [-1, states.shape[-1]])

        def by_sentence(rows: Tensor) -> Tensor:
            shape = [*tf.unstack(tf.shape(states)[:2]), rows.shape[-1]]
            return tf.cast(tf.reshape(rows, shape), states.dtype)

        keys = states
        if self.key_matrix is not None:
            keys = _product(rows, self.key_matrix)
            keys = by_sentence(self._normalized(keys, "keys"))
        projected = by_sentence(_product(rows, self.context_matrix))
        return Memory(keys, states, projected, mask)

    def start(self, memory: Memory) -> Tensor:
        """The state s_0 [B, D] before the first token."""
        values = wide(memory.values)
        total = tf.reduce_sum(values * memory.mask[..., tf.newaxis], 1)
        mean = total / tf.reduce_sum(memory.mask, 1, keepdims=True)
        product = _product(tf.cast(mean, memory.values.dtype), self.start_matrix)
        return tf.tanh(self._normalized(product, "start") + self.start_bias)

    def step(
        self, embedded: Tensor, state: Tensor, memory: Memory
    ) -> tuple[Tensor, Tensor, Tensor]:
        """(readout [N, E], state [N, D], attention [N, S]) for embedded [N, E]."""
        return self.stepper(memory.values.dtype)(embedded, state, memory)

    def stepper(self, dtype: tf.DType) -> Step:
        """`step` for a loop of steps: what does not change is made ready here, once."""
        matrices = self._matrices(dtype).items()
        multiplications = {name: multiplication(matrix) for name, matrix in matrices}

        def step_once(
            embedded: Tensor, state: Tensor, memory: Memory
        ) -> tuple[Tensor, Tensor, Tensor]:
            state, (weights,) = step(
                self.cell,
                (self._project(embedded),),
                state,
                multiplications | {"context": multiplication(memory.projected)},
                self._shared(memory),
            )
            context = product(weights, memory.values)
            return self._read_out(state, context, embedded), state, weights

        return step_once

    def __call__(
        self, embedded: Tensor, memory: Memory, noise: Noise
    ) -> tuple[Tensor, Tensor]:
        """(readouts [T, B, E], attention [T, B, S]) for known inputs [T, B, E].

        All that does not depend on the state is done for all steps at once: the
        inputs' projection before the scan, contexts and readouts after it.
        """
        start = self.start(memory)
        matrices = self._matrices(memory.values.dtype) | {"context": memory.projected}
        shared = self._shared(memory)
        if noise.rates.get("state"):
            shared["state_mask"] = noise.mask("state", tf.shape(start), "decoder")
        rows = tf.reshape(embedded, [-1, embedded.shape[-1]])
        steps = tf.unstack(tf.shape(embedded)[:2])
        projected = tf.reshape(self._project(rows), [*steps, 3 * self.size])
        states, (weights,) = scan(self.cell, (projected,), start, matrices, shared)
        by_sentence = tf.cast(tf.transpose(weights, [1, 0, 2]), memory.values.dtype)
        contexts = tf.transpose(by_sentence @ memory.values, [1, 0, 2])  # [T, B, C]
        readouts = self._read_out(
            tf.reshape(states, [-1, states.shape[-1]]),
            tf.reshape(contexts, [-1, contexts.shape[-1]]),
            rows,
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

    def _project(self, embedded: Tensor) -> Tensor:
        """W E y_{i-1} + b [N, 3 D] for embedded [N, E]."""
        product = _product(embedded, self.input_matrix)
        return self._normalized(product, "input") + self.input_bias

    def _read_out(self, state: Tensor, context: Tensor, embedded: Tensor) -> Tensor:
        """The layer [N, E] under the softmax, from [N, D], [N, C] and [N, E]."""
        parts = [tf.cast(x, embedded.dtype) for x in (state, context, embedded)]
        product = _product(tf.concat(parts, -1), self.readout_matrix)
        return tf.tanh(self._normalized(product, "readout") + self.readout_bias)

    def _normalized(self, x: Tensor, name: str) -> Tensor:
        return layer_norm(x, self.norms[name]) if name in self.norms else x


class TranslationModel(tf.Module):
    """Encoder, decoder, embeddings and output layer.

    The model is a step:

        memory = model.encode(source)
        state = model.start(memory)
        logits, state, attention = model.step(tokens, state, memory)

    and `teacher_forced` is all steps with known tokens, which is what training uses.
    """

    def __init__(
        self,
        config: ModelConfig,
        source_vocabulary: int,
        target_vocabulary: int,
        seed: int | None = None,
    ) -> None:
        """Weights are drawn by `seed`, or 0, to be assigned, where there is none."""
        super().__init__("translation_model")
        self.config = config
        self.parameters = Parameters(seed)
        size = config.embedding_size
        make = self.parameters.embeddings
        if config.tie_embeddings == "all":
            assert source_vocabulary == target_vocabulary
            shared = make("embeddings", source_vocabulary, size)
            self.source_embeddings = self.target_embeddings = shared
        else:
            self.source_embeddings = make("source_embeddings", source_vocabulary, size)
            self.target_embeddings = make("target_embeddings", target_vocabulary, size)
        self.output_embeddings = (
            make("output_embeddings", target_vocabulary, size)
            if config.tie_embeddings == "none"
            else self.target_embeddings
        )
        self.output_bias = self.parameters.zeros("output_bias", target_vocabulary)
        self.encoder = Encoder(config, self.parameters)
        self.decoder = Decoder(config, self.parameters)

    def encode(
        self, source: Tensor, noise: Noise = SILENCE, dtype: tf.DType = tf.float32
    ) -> Memory:
        """Memory of source [B, S] int32, each row with at least one token.

        The one place where padding becomes a mask. Products are made in `dtype`, here
        and in the decoder's steps that read the memory.
        """
        mask = tf.cast(source != PAD, tf.float32)
        lengths = tf.reduce_sum(tf.cast(source != PAD, tf.int32), 1)
        embedded = self._embed(self.source_embeddings, source, noise, "source")
        states = self.encoder(tf.cast(embedded, dtype), lengths, noise)
        states = noise.drop("context", tf.transpose(states, [1, 0, 2]))  # [B, S, C]
        return self.decoder.remember(tf.cast(states, dtype), mask)

    def start(self, memory: Memory) -> Tensor:
        """The decoder's state [B, D] before the first token."""
        return self.decoder.start(memory)

    def step(
        self, tokens: Tensor, state: Tensor, memory: Memory
    ) -> tuple[Tensor, Tensor, Tensor]:
        """(logits [N, V] float32, state [N, D], attention [N, S]) after tokens [N].

        N is a multiple K of the memory's B: row n belongs to sentence n // K.
        """
        return self.stepper()(tokens, state, memory)

    def stepper(self) -> Step:
        """`step` for a loop of steps: what does not change is made ready here, once."""
        # 64 x 128 x 8,000 and 64 x 256 x 8,000 take two thirds of the time of products
        # with the embeddings as they lie.
        output = tf.transpose(self.output_embeddings)
        decoder_step = self.decoder.stepper(tf.float32)

        def step(
            tokens: Tensor, state: Tensor, memory: Memory
        ) -> tuple[Tensor, Tensor, Tensor]:
            embedded = tf.gather(self.target_embeddings, tokens)
            readout, state, weights = decoder_step(embedded, state, memory)
            logits = tf.cast(readout @ output, tf.float32) + self.output_bias
            return logits, state, weights

        return step

    def teacher_forced(
        self,
        source: Tensor,
        target_in: Tensor,
        noise: Noise = SILENCE,
        dtype: tf.DType = tf.float32,
    ) -> tuple[Tensor, Tensor]:
        """All steps with known tokens: (readouts [T, B, E], attention [T, B, S]).

        source [B, S]; target_in [B, T] begins with the begin-of-sentence token and
        lacks the last one. A readout is the layer under the softmax; see `logits`.
        Products are made in `dtype`.
        """
        memory = self.encode(source, noise, dtype)
        embedded = self._embed(self.target_embeddings, target_in, noise, "target")
        readouts, attention = self.decoder(tf.cast(embedded, dtype), memory, noise)
        return noise.drop("output", readouts), attention

    def logits(self, readouts: Tensor) -> Tensor:
        """Logits [..., V] float32 of readouts [..., E]."""
        rows = tf.reshape(readouts, [-1, readouts.shape[-1]])
        logits = tf.matmul(rows, self.output_embeddings, transpose_b=True)
        logits = tf.cast(logits, tf.float32) + self.output_bias
        shape = tf.concat([tf.shape(readouts)[:-1], tf.shape(logits)[-1:]], 0)
        return tf.ensure_shape(
            tf.reshape(logits, shape), [*readouts.shape[:-1], logits.shape[-1]]
        )

    def _embed(
        self, embeddings: tf.Variable, tokens: Tensor, noise: Noise, side: str
    ) -> Tensor:
        """Embedded tokens [B, L] as [L, B, E], words and numbers dropped."""
        tokens = tf.transpose(tokens)
        embedded = noise.drop(side, tf.gather(embeddings, tokens))
        word_shape = tf.concat([tf.shape(tokens), [1]], 0)
        return noise.drop(f"{side}_word", embedded, word_shape)


def _product(rows: Tensor, matrix: tf.Variable) -> Tensor:
    """rows [N, I] times matrix [I, O], made in the type of the rows."""
    return wide(rows @ tf.cast(matrix, rows.dtype))


def _reversed(x: Tensor, lengths: Tensor) -> Tensor:
    """x [S, B, ...] with the first `lengths` [B] positions back to front."""
    return tf.reverse_sequence(x, lengths, seq_axis=0, batch_axis=1)
