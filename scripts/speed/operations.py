"""The matrix products of the model: their shapes, and how many operations they are.

Knows nothing of TensorFlow, of time or of text. An operation is one multiplication or
one addition: [M, K] x [K, N] has 2 M K N. All else that a step does (gates, softmax,
attention's tanh, Adam) is not counted: its time shows as a lower share of the limit.

S source and T target positions of a sentence, its end counted. For B sentences, with
the sizes E embedding, H encoder per direction, C = 2 H memory, D decoder, V vocabulary,
one layer, `gru` and additive attention, forward takes twice

    2 B S (E + H) 3 H                encoder: inputs, recurrence; two directions
    B C D + B S C D                  the decoder's start, attention's keys
    B T E 3 D                        the decoder's inputs
    B T D (D + 3 D)                  query and gates from the state
    B S C (3 D + E)                  gates and readout from the memory: what each h_j
                                     would add
    B T S (D + 3 D + E)              scores, gates and readout from the context
    B T (D + E) E + B T E V          the rest of the readout, softmax

and backward twice as much as forward: for each product the gradient of its rows and
that of its matrix. `conditional_gru` adds B T D 3 D; `general` and `dot` attention have
no query, `dot` no keys.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from nmt.config import ModelConfig
from nmt.tokenizer import PAD


class Work(NamedTuple):
    """What is to be computed for some sentences: sums over them."""

    sentences: float
    source: float  # S
    target: float  # T: positions that the decoder steps through
    pairs: float  # S * T: what attention looks at
    outputs: float  # positions under the softmax


def total(works: Iterable[Work]) -> Work:
    """All of it together."""
    return Work(*map(sum, zip(*works, strict=True)))


def padded_work(source: Any, target: Any) -> Work:
    """Of a batch [B, S], [B, T] of ids as it is computed: padding is work like any.

    But for the softmax: the program takes padding out before it.
    """
    (rows, length), steps = source.shape, target.shape[1]
    return Work(
        rows, rows * length, rows * steps, rows * length * steps, real(target).sum()
    )


def real_work(source: Any, target: Any) -> Work:
    """Of the same batch, had it no padding: what there is to do at least."""
    lengths, steps = real(source), real(target)
    tokens = steps.sum()
    return Work(len(lengths), lengths.sum(), tokens, lengths @ steps, tokens)


def real(ids: Any) -> Any:
    """How many of each row's ids [B, L] are no padding: [B]."""
    return np.count_nonzero(ids != PAD, axis=1)


def search_work(sources: Iterable[int], outputs: Iterable[int], beam: int) -> Work:
    """Of translating sentences of these many tokens into these, their ends counted.

    Every hypothesis of a beam is taken to be as long as the one that won.
    """
    lengths, steps = np.array([*sources]), beam * np.array([*outputs])
    rows = steps.sum()
    return Work(len(lengths), lengths.sum(), rows, lengths @ steps, rows)


@dataclass(frozen=True)
class Product:
    """[rows, inner] x [inner, columns], done for `rows / steps` rows at a time.

    With `matrices` above 1 each of them multiplies its own share of the rows.
    """

    name: str
    rows: float
    inner: float
    columns: float
    steps: float = 1
    matrices: float = 1

    @property
    def operations(self) -> float:
        return 2 * self.rows * self.inner * self.columns


def forward(model: ModelConfig, vocabulary: int, work: Work) -> list[Product]:
    """The products of encoding, and of as many decoder steps as `work` says."""
    embedding, size = model.embedding_size, model.decoder_size
    encoder, memory = model.encoder_size, 2 * model.encoder_size
    additive = model.attention == "additive"
    source_steps, steps = work.source / work.sentences, work.target / work.sentences
    products = []
    for layer in range(model.encoder_layers):
        width = memory if layer else embedding
        for direction in "forward", "backward":
            name = f"encoder/{layer}/{direction}"
            products += [
                Product(f"{name}/input", work.source, width, 3 * encoder),
                Product(
                    f"{name}/recurrent", work.source, encoder, 3 * encoder, source_steps
                ),
            ]
    products.append(Product("start", work.sentences, memory, size))
    if model.attention != "dot":
        products.append(Product("keys", work.source, memory, size))
    products.append(Product("projected", work.source, memory, 3 * size))
    products.append(Product("memory/readout", work.source, memory, embedding))
    products.append(Product("input", work.target, embedding, 3 * size))
    if model.decoder_cell == "conditional_gru":
        products.append(Product("first", work.target, size, 3 * size, steps))
    # Additive attention's query is made in the same product as the gates.
    beside = size if additive else 0
    products.append(Product("state", work.target, size, beside + 3 * size, steps))
    length = work.pairs / work.target
    if additive:
        products.append(Product("scores", work.pairs, size, 1, steps))
    else:
        products.append(
            Product("scores", work.target, size, length, steps, work.sentences)
        )
    return [
        *products,
        Product("context", work.target, length, 3 * size, steps, work.sentences),
        Product(
            "context/readout", work.target, length, embedding, matrices=work.sentences
        ),
        Product("readout", work.target, size + embedding, embedding),
        Product("output", work.outputs, embedding, vocabulary),
    ]


def gradients(product: Product) -> list[Product]:
    """The two products behind one: of its rows' gradient, and of its matrix's.

    The second is done once for all steps, as `nmt.recurrence.scan` does it.
    """
    share = product.rows / product.matrices
    return [
        Product(
            f"{product.name}/rows",
            product.rows,
            product.columns,
            product.inner,
            product.steps,
            product.matrices,
        ),
        Product(
            f"{product.name}/matrix",
            product.inner * product.matrices,
            share,
            product.columns,
            matrices=product.matrices,
        ),
    ]


def update(model: ModelConfig, vocabulary: int, work: Work) -> list[Product]:
    """All products of a training step: forward, and twice as much backward."""
    there = forward(model, vocabulary, work)
    return there + [back for product in there for back in gradients(product)]


def operations(products: Iterable[Product]) -> float:
    return sum(product.operations for product in products)
