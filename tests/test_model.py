import itertools
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from nmt.batches import pack
from nmt.config import DropoutConfig, ModelConfig
from nmt.layers import SILENCE, Noise
from nmt.loss import batch_loss
from nmt.model import TranslationModel
from nmt.tokenizer import PAD

VOCABULARY = 12
SOURCES = [[4, 5, 6, 11], [7], [8, 9, 10, 4, 4, 6]]
TARGETS = [[5, 6], [4, 7, 8, 9], []]
BATCH = pack(SOURCES, TARGETS)

CELLS = ("gru", "conditional_gru")
ATTENTIONS = ("additive", "general", "dot")
TYINGS = ("none", "target", "all")
RATES = {site: 0.4 for site in DropoutConfig.model_fields}

decoders = pytest.mark.parametrize(
    ("cell", "attention"), list(itertools.product(CELLS, ATTENTIONS))
)


def tiny(**changes: Any) -> TranslationModel:
    """A model whose weights are all away from where they start (0, 1)."""
    sizes = {"embedding_size": 5, "encoder_size": 3, "decoder_size": 6}
    config = ModelConfig(**{**sizes, "encoder_layers": 2, **changes})
    model = TranslationModel(config, VOCABULARY, VOCABULARY, seed=1)
    random = np.random.default_rng(0)
    for weight in model.parameters.by_name.values():
        weight.assign_add(random.normal(scale=0.3, size=weight.shape))
    return model


def teacher_forced(model: TranslationModel, source: Any, target_in: Any) -> Any:
    """Logits [T, B, V]."""
    return model.logits(model.teacher_forced(source, target_in)[0]).numpy()


def close(one: Any, other: Any) -> None:
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-5)


@pytest.mark.parametrize("tie_embeddings", TYINGS)
@decoders
def test_stepping_equals_teacher_forcing(
    cell: str, attention: str, tie_embeddings: str
) -> None:
    model = tiny(
        decoder_cell=cell,
        attention=attention,
        tie_embeddings=tie_embeddings,
        layer_norm=tie_embeddings != "all",
    )
    memory = model.encode(BATCH.source)
    state = model.start(memory)
    expected = teacher_forced(model, BATCH.source, BATCH.target_in)
    for time, tokens in enumerate(BATCH.target_in.T):
        logits, state, _ = model.step(tokens, state, memory)
        close(logits, expected[time])


@decoders
def test_rows_of_one_sentence_do_not_know_of_each_other(
    cell: str, attention: str
) -> None:
    model = tiny(decoder_cell=cell, attention=attention)
    memory = model.encode(BATCH.source)
    start = np.repeat(model.start(memory), 2, axis=0)
    state = start + np.random.default_rng(0).normal(size=start.shape)
    state = tf.constant(state, tf.float32)
    tokens = tf.constant([4, 5, 6, 7, 8, 9])  # two a sentence
    together = model.step(tokens, state, memory)
    for row in range(2):
        alone = model.step(tokens[row::2], state[row::2], memory)
        for ours, expected in zip(together, alone, strict=True):
            close(ours[row::2], expected)


@decoders
def test_padding_and_batch_mates_change_nothing(cell: str, attention: str) -> None:
    model = tiny(decoder_cell=cell, attention=attention)
    together = teacher_forced(model, BATCH.source, BATCH.target_in)
    padding = [(0, 0), (0, 3)]
    padded = teacher_forced(
        model,
        np.pad(BATCH.source, padding, constant_values=PAD),
        np.pad(BATCH.target_in, padding, constant_values=PAD),
    )
    close(padded[:-3], together)
    for row, (source, target) in enumerate(zip(SOURCES, TARGETS, strict=True)):
        alone = pack([source], [target])
        expected = teacher_forced(model, alone.source, alone.target_in)
        close(together[: len(expected), row], expected[:, 0])


def test_attention_is_on_tokens_only_and_sums_to_one() -> None:
    model = tiny()
    memory = model.encode(BATCH.source)
    _, _, weights = model.step(BATCH.target_in[:, 0], model.start(memory), memory)
    close(tf.reduce_sum(weights, 1), 1)
    assert (weights.numpy()[BATCH.source == PAD] == 0).all()
    assert (weights.numpy()[BATCH.source != PAD] > 0).all()


@pytest.mark.parametrize("cell", CELLS)
def test_future_target_tokens_do_not_matter(cell: str) -> None:
    model = tiny(decoder_cell=cell)
    before = teacher_forced(model, BATCH.source, BATCH.target_in)
    changed = BATCH.target_in.copy()
    changed[:, 2:] = 11
    after = teacher_forced(model, BATCH.source, changed)
    np.testing.assert_array_equal(after[:2], before[:2])
    assert (abs(after[2:] - before[2:]).max((0, 2)) > 1e-3).all()


def test_the_encoder_is_two_grus_a_layer_the_second_added_to_the_first() -> None:
    model = tiny()
    weights = model.parameters.values()
    values = model.encode(BATCH.source).values.numpy()

    def read(x: Any, name: str) -> Any:
        """States [S, H] of one direction over x [S, width]."""
        w, b = weights[f"{name}/input"], weights[f"{name}/input_bias"]
        u, c = weights[f"{name}/recurrent"], weights[f"{name}/recurrent_bias"]
        state, states = np.zeros(3), []
        for row in x:
            (w_z, w_r, w_h), (u_z, u_r, u_h) = (
                np.split(product, 3) for product in (row @ w + b, state @ u + c)
            )
            z, r = 1 / (1 + np.exp(-w_z - u_z)), 1 / (1 + np.exp(-w_r - u_r))
            state = z * state + (1 - z) * np.tanh(w_h + r * u_h)
            states.append(state)
        return np.stack(states)

    def layer(x: Any, number: int) -> Any:
        there = read(x, f"encoder/{number}/forward")
        back = read(x[::-1], f"encoder/{number}/backward")[::-1]
        return np.concatenate([there, back], 1)

    for row, source in enumerate(BATCH.source):
        x = weights["source_embeddings"][source[source != PAD]]
        first = layer(x, 0)
        close(values[row, : len(x)], layer(first, 1) + first)


@pytest.mark.parametrize("layer_norm", [True, False], ids=["norm", "plain"])
def test_the_start_the_readout_and_the_keys_are_their_formulas(
    layer_norm: bool,
) -> None:
    model = tiny(layer_norm=layer_norm, tie_embeddings="none")
    weights = model.parameters.values()

    def normalized(x: np.ndarray, name: str) -> np.ndarray:
        if not layer_norm:
            return x
        gain, bias = weights[f"decoder/{name}_norm"]
        return (x - x.mean()) / np.sqrt(x.var() + 1e-5) * gain + bias

    memory = model.encode(BATCH.source)
    start = model.start(memory).numpy()
    tokens = BATCH.target_in[:, 0]
    logits, state, attention = model.step(tokens, tf.constant(start), memory)
    for row, source in enumerate(BATCH.source):
        values = memory.values[row, : np.sum(source != PAD)].numpy()
        mean = normalized(values.mean(0) @ weights["decoder/start"], "start")
        close(start[row], np.tanh(mean + weights["decoder/start_bias"]))
        for key, value in zip(memory.keys[row].numpy(), values, strict=False):
            close(key, normalized(value @ weights["decoder/keys"], "keys"))
        context = attention[row, : len(values)].numpy() @ values
        embedded = weights["target_embeddings"][tokens[row]]
        product = embedded @ weights["decoder/input"]
        [projected] = model.decoder._projected(tf.constant([product]))
        close(projected, normalized(product, "input") + weights["decoder/input_bias"])
        read = np.concatenate([state[row], context, embedded])
        product = normalized(read @ weights["decoder/readout"], "readout")
        readout = np.tanh(product + weights["decoder/readout_bias"])
        expected = weights["output_embeddings"] @ readout + weights["output_bias"]
        close(logits[row], expected)


@pytest.mark.parametrize(
    ("tie_embeddings", "count"), [("none", 3), ("target", 2), ("all", 1)]
)
def test_tied_embeddings_are_one_variable(tie_embeddings: str, count: int) -> None:
    model = tiny(tie_embeddings=tie_embeddings)
    source, target, output = (
        model.source_embeddings,
        model.target_embeddings,
        model.output_embeddings,
    )
    assert len({id(source), id(target), id(output)}) == count
    assert (target is output) == (tie_embeddings != "none")
    assert (source is target) == (tie_embeddings == "all")
    assert sum("embeddings" in name for name in model.parameters.by_name) == count


@pytest.mark.parametrize(
    "sites", [*([site] for site in RATES), list(RATES)], ids="-".join
)
def test_dropout_at_each_site_changes_the_output_and_follows_the_seed(
    sites: list[str],
) -> None:
    model = tiny()

    def readouts(seed: int) -> Any:
        noise = Noise({site: RATES[site] for site in sites}, tf.constant([seed, 1]))
        return model.teacher_forced(BATCH.source, BATCH.target_in, noise)[0].numpy()

    dropped = readouts(1)
    np.testing.assert_array_equal(dropped, readouts(1))
    silent = model.teacher_forced(BATCH.source, BATCH.target_in)[0].numpy()
    for different in (readouts(2), silent):
        assert abs(dropped - different).max() > 1e-3


@pytest.mark.parametrize("site", sorted(set(RATES) - {"state"}))
def test_what_is_dropped_is_drawn_for_each_position_of_each_sentence(
    site: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = masks(monkeypatch, {site: 0.4})
    batch, source, target = *BATCH.source.shape, BATCH.target_in.shape[1]
    expected = {
        "source": [source, batch, 5],
        "source_word": [source, batch, 1],
        "target": [target, batch, 5],
        "target_word": [target, batch, 1],
        "context": [batch, source, 6],
        "output": [target, batch, 5],
    }
    assert [mask.shape.as_list() for mask in found] == [expected[site]]


def test_each_recurrence_drops_other_units_and_the_same_at_all_steps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Gal and Ghahramani 2016. Two layers of two directions, and the decoder.
    found = [mask.numpy() for mask in masks(monkeypatch, {"state": 0.4})]
    batch = len(BATCH.source)
    assert [mask.shape for mask in found] == [(batch, 3)] * 4 + [(batch, 6)]
    for one, other in itertools.combinations([mask[:, :3] for mask in found], 2):
        assert (one != other).any()


def masks(monkeypatch: pytest.MonkeyPatch, rates: dict[str, float]) -> list[Any]:
    """Those that the model draws while it is taught the batch."""
    drawn = []
    draw = Noise.mask

    def watched(*arguments: Any, **options: Any) -> Any:
        drawn.append(draw(*arguments, **options))
        return drawn[-1]

    monkeypatch.setattr(Noise, "mask", watched)
    noise = Noise(rates, tf.constant([1, 1]))
    tiny().teacher_forced(BATCH.source, BATCH.target_in, noise)
    return drawn


def test_recurrent_dropout_acts_in_the_encoder_and_in_the_decoder() -> None:
    model = tiny()
    noise = Noise({"state": 0.4}, tf.constant([1, 1]))
    memory, noisy = model.encode(BATCH.source), model.encode(BATCH.source, noise)
    assert abs(memory.values - noisy.values).numpy().max() > 1e-3
    embedded = tf.ones([4, len(SOURCES), 5])
    silent, dropped = (
        model.decoder(embedded, memory, each)[0].numpy() for each in (SILENCE, noise)
    )
    assert abs(silent - dropped).max() > 1e-3


@pytest.mark.parametrize("layer_norm", [True, False], ids=["norm", "plain"])
@decoders
def test_no_weight_is_dead(cell: str, attention: str, layer_norm: bool) -> None:
    model = tiny(decoder_cell=cell, attention=attention, layer_norm=layer_norm)
    weights = model.parameters.by_name
    with tf.GradientTape() as tape:
        loss = batch_loss(model, BATCH, 0.1).smoothed
    for name, gradient in tape.gradient(loss, weights).items():
        gradient = tf.convert_to_tensor(gradient).numpy()
        # The gain and the bias of a norm are weights of their own.
        parts = list(gradient) if name.endswith("_norm") else [gradient]
        for part in parts:
            assert abs(part).max() > 1e-5, name
