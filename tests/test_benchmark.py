"""What the benchmark counts, against hand counts and the products TensorFlow makes."""

import json
import os
import sys
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from nmt.batches import pack
from nmt.config import ModelConfig
from nmt.errors import NmtError
from nmt.model import TranslationModel
from nmt.run import open_run

SCRIPTS = Path(__file__).resolve().parent.parent / "scripts"
sys.path.insert(0, str(SCRIPTS))

import benchmark  # noqa: E402
from speed import growth, machine  # noqa: E402
from speed.operations import (  # noqa: E402
    Work,
    forward,
    gradients,
    operations,
    padded_work,
    real_work,
    search_work,
    total,
    update,
)
from speed.processes import alone  # noqa: E402

VOCABULARY = 23
SIZES = {"embedding_size": 5, "encoder_size": 6, "decoder_size": 12}
DECODERS = [
    {"decoder_cell": "gru", "attention": "additive"},
    {"decoder_cell": "conditional_gru", "attention": "additive"},
    {"decoder_cell": "conditional_gru", "attention": "general"},
    {"decoder_cell": "gru", "attention": "dot", "encoder_layers": 2},
]


def multiplied(graph: Any) -> int:
    """Operations of the matrix products of a graph whose shapes are all known."""
    count = 0
    for node in graph.get_operations():
        if "MatMul" in node.type:
            inner = node.inputs[0].shape[-2 if transposes_left(node) else -1]
            count += 2 * inner * node.outputs[0].shape.num_elements()
    return count


def transposes_left(node: Any) -> bool:
    name = "transpose_a" if node.type == "MatMul" else "adj_x"
    return bool(node.get_attr(name))


@pytest.mark.parametrize(
    "decoder", DECODERS, ids=lambda values: "-".join(map(str, values.values()))
)
def test_a_decoder_step_has_the_operations_that_are_counted(
    decoder: dict[str, Any],
) -> None:
    config = ModelConfig(**SIZES, **decoder)
    model = TranslationModel(config, VOCABULARY, VOCABULARY, seed=1)
    sentences, length = 3, 7

    def step(tokens: Any, state: Any, values: Any, mask: Any) -> Any:
        memory = model.decoder.remember(values, mask)
        return model.step(tokens, model.start(memory) + state, memory)

    shapes = {
        "tokens": [sentences],
        "state": [sentences, config.decoder_size],
        "values": [sentences, length, 2 * config.encoder_size],
        "mask": [sentences, length],
    }
    specs = [
        tf.TensorSpec(shape, tf.int32 if name == "tokens" else tf.float32)
        for name, shape in shapes.items()
    ]
    graph = tf.function(step, autograph=False).get_concrete_function(*specs).graph

    one_step = Work(
        sentences, sentences * length, sentences, sentences * length, sentences
    )
    products = forward(config, VOCABULARY, one_step)
    decoder_only = [product for product in products if "encoder" not in product.name]
    assert operations(decoder_only) == multiplied(graph)


def test_an_encoder_has_two_products_a_layer_and_direction() -> None:
    config = ModelConfig(**SIZES, encoder_layers=2)
    products = forward(config, VOCABULARY, Work(2, 14, 4, 28, 4))
    counted = [product for product in products if "encoder" in product.name]
    # 14 positions; inputs of 5 and then of both directions' 6; three gates of 6.
    first, second = (5 + 6) * 18, (12 + 6) * 18
    assert operations(counted) == 2 * 14 * 2 * (first + second)


def test_the_matched_model_has_35_gflop_an_update_of_64_sentences_of_16() -> None:
    config = ModelConfig(
        embedding_size=256, encoder_size=256, decoder_size=512, decoder_cell="gru"
    )
    positions = 64 * 16
    encoder = 2 * positions * (256 + 256) * 768
    keys_and_start = (positions + 64) * 512 * 512
    projected = positions * 512 * (1536 + 256)
    steps = positions * (256 * 1536 + 512 * 2048 + 16 * (512 + 1536 + 256))
    output = positions * ((512 + 256) * 256 + 256 * 8000)
    work = Work(64, positions, positions, positions * 16, positions)
    counted = operations(update(config, 8000, work))
    assert counted == 3 * 2 * (encoder + keys_and_start + projected + steps + output)
    assert counted == pytest.approx(35e9, rel=0.01)


def test_gradients_are_two_products_of_as_many_operations_each() -> None:
    for config in (ModelConfig(**SIZES, **decoder) for decoder in DECODERS):
        for product in forward(config, VOCABULARY, Work(2, 14, 6, 42, 6)):
            rows, matrix = gradients(product)
            assert rows.operations == matrix.operations == product.operations


def test_padding_is_counted_or_not() -> None:
    batch = pack([[5, 6], [7]], [[8], [9, 9, 9]])  # each gets an end of sentence
    padded = padded_work(batch.source, batch.target_out)
    real = real_work(batch.source, batch.target_out)
    assert padded == Work(2, 2 * 3, 2 * 4, 2 * 3 * 4, outputs=2 + 4)
    assert real == Work(2, 3 + 2, 2 + 4, 3 * 2 + 2 * 4, outputs=2 + 4)
    assert total([padded, real]) == tuple(np.add(padded, real))
    # A beam's hypotheses are rows like sentences, but read one source.
    assert search_work([3, 2], [2, 4], beam=5) == Work(2, 5, 5 * 6, 5 * 14, 5 * 6)


def test_the_benchmark_counts_what_a_run_did(
    toy_run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "SECONDS", 0.0)
    monkeypatch.setattr(machine, "LARGE", (8, 8, 8))
    # That the batches made again are those of the run, `measured` asserts.
    figures = benchmark.figures_of(toy_run.path, toy_run.path, before=1e15)
    assert json.loads(json.dumps(figures)) == figures
    training = figures["training"]
    assert training["target_tokens_per_second"] == pytest.approx(
        training["share_of_limit"] * training["limit_target_tokens_per_second"]
    )
    # The largest limit counts. Padding, here of the source only, is a share of work.
    assert figures["machine"]["limit_gflops"] == 1e6
    assert 0 < training["share_of_limit_without_padding"] < training["share_of_limit"]
    forced = [search for search in figures["decoding"] if "16" in search["name"]]
    assert [search["tokens_per_sentence"] for search in forced] == [17, 17]
    shown = benchmark.table(figures)
    assert f"{training['target_tokens_per_second']:,.0f}" in shown
    assert all(search["name"] in shown for search in figures["decoding"])


def test_a_process_that_is_killed_leaves_the_next_one_alone() -> None:
    with pytest.raises(BrokenProcessPool):
        alone(os._exit, 9)
    with pytest.raises(ZeroDivisionError):
        alone(divmod, 1, 0)
    assert alone(divmod, 7, 2) == (3, 1)


def test_a_checkpoint_that_cannot_be_read_is_told_before_the_training(
    config: Path, tmp_path: Path
) -> None:
    with pytest.raises(NmtError, match=str(tmp_path / "none")):
        benchmark.benchmark(config, [], 60, tmp_path / "none")


@pytest.mark.parametrize("beam", [None, 2])
def test_a_point_of_growth_counts_its_operations(
    toy_run: Any, beam: int | None
) -> None:
    config = open_run(toy_run.path).config
    point = growth.Point(vocabulary=50, length=4, batch=3, beam=beam)
    measured = growth.measured(config, point)
    rows = 3 * (beam or 1)
    products = forward(config.model, 50, Work(3, 12, 4 * rows, 16 * rows, 4 * rows))
    assert measured.operations == (1 if beam else 3) * operations(products)
    assert measured.target_tokens == 3 * 4
