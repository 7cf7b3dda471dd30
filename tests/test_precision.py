"""Mixed precision: the types, the loss scale, and training with either."""

import functools
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from conftest import Toy
from tiny_models import random_sentences, tiny_model
from training_runs import PLAIN_MODEL

from nmt import loss, precision, starting
from nmt.batches import Batch, pack
from nmt.changes import identity
from nmt.checkpoint import State
from nmt.config import TrainingConfig, load_config
from nmt.divergence import MOST_ROLLBACKS
from nmt.errors import RunError
from nmt.loss import batch_loss
from nmt.precision import SMALLEST_SCALE, LossScale, compute_dtype, wide
from nmt.recurrence import scan
from nmt.run import RunDirectory, open_run
from nmt.signals import Interrupted
from nmt.update import Report, Updater

pytestmark = pytest.mark.usefixtures("no_pictures")

HALVES = (tf.bfloat16, tf.float16)
# Half of the distance from 1 to the next number: the most that rounding takes, of 1.
ROUNDING = {tf.bfloat16: 2.0**-8, tf.float16: 2.0**-11}

halves = pytest.mark.parametrize("dtype", HALVES, ids=lambda dtype: dtype.name)


def random_batch(pairs: int) -> Batch:
    lengths = [1 + place % 5 for place in range(pairs)]
    return pack(random_sentences(1, lengths), random_sentences(2, lengths[::-1]))


def test_each_precision_has_its_type() -> None:
    names = TrainingConfig.model_fields["precision"].annotation.__args__  # type: ignore[union-attr]
    types = [compute_dtype(name) for name in names]
    assert types == [tf.float32, tf.float16, tf.bfloat16]


def test_wide_is_float32_at_least() -> None:
    types = {dtype: wide(tf.ones([], dtype)).dtype for dtype in (*HALVES, tf.float64)}
    assert types == dict.fromkeys(HALVES, tf.float32) | {tf.float64: tf.float64}
    x = tf.ones([3])
    assert wide(x) is x


# The model and its gradient against their twins in float32 -------------------------


@pytest.mark.parametrize(
    ("dtype", "changes"),
    [
        (tf.bfloat16, {}),
        (tf.float16, {"decoder_cell": "gru", "attention": "dot", "encoder_layers": 2}),
    ],
    ids=["bfloat16", "float16"],
)
def test_loss_and_gradients_are_those_of_float32_but_for_rounding(
    dtype: Any, changes: dict[str, Any]
) -> None:
    sizes = {"embedding_size": 16, "encoder_size": 12, "decoder_size": 24}
    model = tiny_model(1, scale=1.0, **sizes, **changes)
    batch, weights = random_batch(20), list(model.parameters.by_name.values())

    @tf.function(autograph=False)
    def run(dtype: Any) -> tuple[Any, list[Any]]:
        with tf.GradientTape() as tape:
            sums = batch_loss(model, batch, 0.1, dtype=dtype)
        assert {value.dtype for value in sums} == {tf.float32}
        gradients = tape.gradient(sums.smoothed, weights)
        gradients = [tf.convert_to_tensor(gradient) for gradient in gradients]
        assert {gradient.dtype for gradient in gradients} == {tf.float32}
        return sums.plain / sums.tokens, gradients

    (expected_loss, expected), (ours_loss, ours) = run(tf.float32), run(dtype)
    # A gradient passes fewer than ten products between the loss and its weight; each
    # rounds two factors and a result.
    most = 30 * ROUNDING[dtype]
    assert float(ours_loss) == pytest.approx(float(expected_loss), rel=most)
    off = [one - other for one, other in zip(ours, expected, strict=True)]
    norm = tf.linalg.global_norm(expected)
    assert 0 < float(tf.linalg.global_norm(off) / norm) < most
    for difference, gradient in zip(off, expected, strict=True):
        # Of weights that hardly matter (a bias before a norm) the sum is rounding only.
        share = tf.norm(difference) / (tf.norm(gradient) + 0.01 * norm)
        assert float(share) < most


@halves
def test_what_is_not_a_product_is_float32(dtype: Any) -> None:
    model, batch = tiny_model(1), random_batch(3)
    memory = model.encode(batch.source, dtype=dtype)
    assert (memory.keys.dtype, memory.values.dtype) == (dtype, dtype)
    assert model.start(memory).dtype == tf.float32
    readouts, attention = model.teacher_forced(
        batch.source, batch.target_in, dtype=dtype
    )
    assert (readouts.dtype, attention.dtype) == (tf.float32, tf.float32)
    np.testing.assert_allclose(tf.reduce_sum(attention, -1), 1, rtol=1e-6)


@halves
def test_sums_over_time_do_not_stall(dtype: Any) -> None:
    # 1 + 1 + ... stays at 256 in bfloat16, and at 2,048 in float16.
    steps = 3000

    def cell(inputs: Any, state: Any, shared: Any, multiply: Any) -> Any:
        grown = multiply("matrix", state) + tf.cast(shared["added"], tf.float32)
        return inputs[0] + 0 * state, (grown,)

    @tf.function(autograph=False)
    def gradients() -> list[Any]:
        added, matrix = tf.ones([1], dtype), tf.ones([1, 1], dtype)
        inputs = (tf.ones([steps, 1, 1]),)
        with tf.GradientTape() as tape:
            tape.watch([added, matrix])
            _, (grown,) = scan(
                cell, inputs, tf.ones([1, 1]), {"matrix": matrix}, {"added": added}
            )
            total = tf.reduce_sum(grown)
        return tape.gradient(total, [added, matrix])

    for gradient in gradients():
        assert gradient.numpy().item() == pytest.approx(steps, rel=ROUNDING[dtype])


@halves
def test_the_softmaxs_gradient_does_not_stall_over_chunks(
    dtype: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loss, "CHUNK", 2)
    count, vocabulary = 9000, 4
    readouts, embeddings = tf.ones([count, 1], dtype), tf.zeros([vocabulary, 1])

    @tf.function(autograph=False)
    def gradient() -> Any:
        with tf.GradientTape() as tape:
            tape.watch(embeddings)
            smoothed, _ = loss.cross_entropy(
                readouts,
                embeddings,
                tf.zeros([vocabulary]),
                tf.zeros([count], tf.int32),
                0.0,
            )
        return tape.gradient(smoothed, embeddings)

    # softmax - one_hot, for each position: all of it exact.
    expected = count * np.array([[-0.75], [0.25], [0.25], [0.25]])
    np.testing.assert_array_equal(gradient(), expected)


@halves
def test_no_probability_is_larger_than_one(dtype: Any) -> None:
    random = np.random.default_rng(1)
    embeddings = tf.constant(random.normal(size=[50, 64]), tf.float32)
    embeddings /= tf.norm(embeddings, axis=1, keepdims=True)
    targets = tf.constant(random.integers(0, 50, 200), tf.int32)
    readouts = tf.cast(30 * tf.gather(embeddings, targets), dtype)  # all but certain
    _, plain = loss.cross_entropy(readouts, embeddings, tf.zeros([50]), targets, 0.0)
    assert -1e-6 < float(plain) / 200 < 1e-3


# The loss scale --------------------------------------------------------------------


def test_the_scale_halves_at_an_overflow_and_doubles_after_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(precision, "GROWTH_PERIOD", 3)
    scaling = LossScale()
    scaling.assign(8.0, 1)
    seen = []
    for overflowed in (False, False, False, True, False, False, False, True, True):
        assert bool(scaling.adapt(tf.constant(overflowed))) == overflowed
        seen.append(tuple(scaling.values().values()))
    assert seen == [
        *[(8.0, 2), (16.0, 0), (16.0, 1)],
        *[(8.0, 0), (8.0, 1), (8.0, 2), (16.0, 0), (8.0, 0), (4.0, 0)],
    ]


def test_the_scale_stays_in_its_range_and_says_where_it_cannot_help(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(precision, "GROWTH_PERIOD", 1)
    scaling = LossScale()
    for _ in range(50):
        scaling.adapt(tf.constant(False))
    assert scaling.values()["loss_scale"] == precision.LARGEST_SCALE
    mended = [bool(scaling.adapt(tf.constant(True))) for _ in range(50)]
    assert scaling.values()["loss_scale"] == SMALLEST_SCALE
    halvings = int(np.log2(precision.LARGEST_SCALE / SMALLEST_SCALE))
    assert mended == [True] * halvings + [False] * (50 - halvings)


# Updates ---------------------------------------------------------------------------


@functools.cache
def made_once(name: str) -> tuple[Updater, list[Any]]:
    model, average = (tiny_model(1, scale=1.0) for _ in range(2))
    updater = Updater(model, average, TrainingConfig(precision=name))  # type: ignore[arg-type]
    return updater, [variable.numpy() for variable in updater.variables]


def fresh(name: str = "mixed_float16") -> tuple[Updater, LossScale]:
    """An updater as it starts, without tracing its graph anew for each test."""
    updater, start = made_once(name)
    for variable, value in zip(updater.variables, start, strict=True):
        variable.assign(value)
    return updater, updater.loss_scale or LossScale()


def everything(updater: Updater) -> list[Any]:
    """Copies of weights, average and moments."""
    scaling = updater.loss_scale.variables if updater.loss_scale else ()
    return [
        variable.numpy()
        for variable in updater.variables
        if not any(variable is other for other in scaling)
    ]


def test_an_overflow_is_skipped_and_the_scale_comes_down_until_there_is_none() -> None:
    ours, scaling = fresh()
    scaling.assign(precision.LARGEST_SCALE, 7)
    batches, before, skipped = [random_batch(60)], everything(ours), 0
    while not bool((report := ours.update(batches, 1, 0.01)).applied):
        skipped += 1
        assert bool(report.overflowed) and np.isfinite(report.loss)
        assert tuple(scaling.values().values()) == (2.0 ** (15 - skipped), 0)
        for value, expected in zip(everything(ours), before, strict=True):
            np.testing.assert_array_equal(value, expected)
    assert skipped > 1
    assert not bool(report.overflowed)
    expected_report = fresh("float32")[0].update(batches, 1, 0.01)
    most = 30 * ROUNDING[tf.float16]
    assert float(report.loss) == pytest.approx(float(expected_report.loss), rel=most)
    norm = float(expected_report.gradient_norm)
    assert float(report.gradient_norm) == pytest.approx(norm, rel=most)


def test_an_overflow_in_one_part_of_the_sum_skips_all_of_it() -> None:
    # As where one replica of several overflows: the summed gradients decide.
    ours, scaling = fresh()
    parts = [[tf.ones(weight.shape) for weight in ours.weights] for _ in range(2)]
    parts[1][-1] *= np.inf
    before = everything(ours)
    sums = [one + other for one, other in zip(*parts, strict=True)]
    numbers = tf.constant(3.0), tf.constant(2.0), tf.constant(1, tf.int64)
    report = ours._apply(sums, *numbers, tf.constant(0.01))
    assert bool(report.overflowed) and not bool(report.applied)
    assert scaling.values()["loss_scale"] == precision.FIRST_SCALE / 2
    for value, expected in zip(everything(ours), before, strict=True):
        np.testing.assert_array_equal(value, expected)


def test_a_loss_that_is_not_finite_is_no_overflow() -> None:
    ours, scaling = fresh()
    bias = ours.model.output_bias
    bias.assign(np.full(bias.shape, np.nan))
    report = ours.update([random_batch(60)], 1, 0.01)
    assert not bool(report.applied) and not bool(report.overflowed)
    assert scaling.values()["loss_scale"] == precision.FIRST_SCALE


# Runs ------------------------------------------------------------------------------


def train(config: Path, *overrides: str) -> None:
    starting.train(load_config(config, overrides))


def weights(run_dir: Path) -> dict[str, bytes]:
    newest = max((run_dir / "checkpoints").glob("step-*"))
    return {file.name: file.read_bytes() for file in newest.iterdir()}


def interrupt(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """A signal arrives in the update of that step, the first time."""
    update, to_come = Updater.update, {step}

    def hooked(self: Updater, batches: Any, step: int, rate: float) -> Report:
        if step in to_come:
            to_come.remove(step)
            signal.raise_signal(signal.SIGTERM)
        return update(self, batches, step, rate)

    monkeypatch.setattr(Updater, "update", hooked)


def test_a_float16_run_that_was_interrupted_ends_as_one_that_was_not(
    toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Of 18 updates the first few overflow; later ones double the scale again.
    monkeypatch.setattr(precision, "FIRST_SCALE", 2.0**15)
    monkeypatch.setattr(precision, "GROWTH_PERIOD", 3)
    paths = [tmp_path / name for name in ("straight", "interrupted")]
    settings = "training.precision=mixed_float16", "training.epochs=2", *PLAIN_MODEL
    train(toy.config(paths[0]), *settings)
    config = toy.config(paths[1])
    interrupt(monkeypatch, 11)
    with pytest.raises(Interrupted):
        train(config, *settings)
    train(config, *settings)
    assert weights(paths[0]) == weights(paths[1])
    state = open_run(max((paths[1] / "checkpoints").glob("step-*"))).state
    assert state.loss_scale not in (None, 2.0**15)


@pytest.fixture
def overflowing(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """A function of the step from which all gradients overflow."""
    gradients = Updater._gradients

    def begin(first: int) -> None:
        def damaged(self: Updater, batch: Batch, step: Any, place: Any) -> Any:
            sums, good = gradients(self, batch, step, place)
            factor = tf.where(step >= first, np.inf, 1.0)
            return sums, [factor * gradient for gradient in good]

        monkeypatch.setattr(Updater, "_gradients", damaged)

    return begin


def test_overflows_do_not_end_a_run_before_the_scale_is_at_its_end(
    toy: Toy,
    tmp_path: Path,
    overflowing: Callable[[int], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    overflowing(3)
    halvings = int(np.log2(precision.FIRST_SCALE / SMALLEST_SCALE))
    path = tmp_path / "run"
    settings = "training.validate_every=999", "training.epochs=9"
    with pytest.raises(RunError, match="in a row had no finite loss"):
        train(toy.config(path), "training.precision=mixed_float16", *settings)
    said = capsys.readouterr().err
    # It goes back to the start, where the scale is what it was.
    assert said.count("overflowed float16") == (1 + MOST_ROLLBACKS) * halvings
    first = 3 + halvings
    assert f"step {first} was skipped" in said
    assert f"step {first - 1} was skipped" not in said


def test_a_run_may_go_on_in_another_precision(toy: Toy, tmp_path: Path) -> None:
    path = toy.config(tmp_path / "run")
    config = load_config(path)
    run = RunDirectory(config.run_dir)
    run.write_config(config)
    other = load_config(path, ["training.precision=mixed_float16"])
    assert run.check(other, State(step=1, identity=identity(config))) == [
        "training.precision: float32 -> mixed_float16"
    ]
    scaling = LossScale()
    start = scaling.values()
    scaling.assign(State().loss_scale, State().loss_scale_age)
    assert scaling.values() == start
