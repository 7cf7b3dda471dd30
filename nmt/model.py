"""THE MODEL: encoder, decoder, embeddings, output: `encode`, `start`, `step`.

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
a sentence together), E embedding, C memory size, D decoder size, V vocabulary. What
runs over time is time-major.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from nmt.config import ModelConfig
from nmt.decoder import Decoder, Memory
from nmt.encoder import Encoder
from nmt.layers import SILENCE, Noise
from nmt.parameters import Parameters
from nmt.tokenizer import PAD

Tensor = Any
Step = Callable[[Tensor, Tensor, Memory], tuple[Tensor, Tensor, Tensor]]


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
        multiplications = self.decoder.multiplications(tf.float32)

        def step(
            tokens: Tensor, state: Tensor, memory: Memory
        ) -> tuple[Tensor, Tensor, Tensor]:
            embedded = tf.gather(self.target_embeddings, tokens)
            readout, state, weights = self.decoder.step(
                embedded, state, memory, multiplications
            )
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
