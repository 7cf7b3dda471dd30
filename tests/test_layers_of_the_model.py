"""`nmt/layers.py`; test_layers.py is about the layers of the program."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from nmt.layers import EPSILON, Noise, layer_norm

SITES = ("source", "target", "context", "state")


def draw(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).normal(size=shape)


def noise(rate: float = 0.3, seed: tuple[int, int] = (1, 2)) -> Noise:
    return Noise(dict.fromkeys(SITES, rate), tf.constant(seed, tf.int64))


def test_layer_norm_is_equation_4_of_ba_2016() -> None:
    x, (gain, bias) = draw(3, 4, 5), draw(2, 5)
    expected = (
        gain
        * (x - x.mean(-1, keepdims=True))
        / np.sqrt(x.var(-1, keepdims=True) + EPSILON)
        + bias
    )
    result = layer_norm(tf.constant(x), tf.constant(np.stack([gain, bias])))
    np.testing.assert_allclose(result, expected, rtol=1e-12)


@pytest.mark.parametrize("shape", [(4, 5), (2, 3, 5)])
def test_the_gradient_of_layer_norm_is_its_slope(shape: tuple[int, ...]) -> None:
    written_out, slope = tf.test.compute_gradient(
        layer_norm, [tf.constant(draw(*shape)), tf.constant(draw(2, 5))], delta=1e-5
    )
    for ours, numeric in zip(written_out, slope, strict=True):
        np.testing.assert_allclose(ours, numeric, atol=1e-8)


def test_a_mask_is_a_function_of_seed_site_and_place() -> None:
    uses = list(itertools.product([(1, 2), (1, 3), (2, 2)], SITES[:2], ["", "here"]))
    masks = [noise(seed=seed).mask(site, [4, 50], place) for seed, site, place in uses]
    again = [noise(seed=seed).mask(site, [4, 50], place) for seed, site, place in uses]
    np.testing.assert_array_equal(masks, again)
    for one, other in itertools.combinations(masks, 2):
        assert not np.array_equal(one, other)


def test_a_mask_does_not_depend_on_the_other_sites() -> None:
    alone = Noise({"state": 0.3}, tf.constant([1, 2], tf.int64))
    np.testing.assert_array_equal(
        alone.mask("state", [40]), noise().mask("state", [40])
    )


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_drops_its_share_and_keeps_the_mean(rate: float) -> None:
    count = 100_000
    dropped = noise(rate).drop("source", tf.ones([count])).numpy()
    deviation = np.sqrt(rate * (1 - rate) / count)  # of the share
    assert abs(np.mean(dropped == 0) - rate) < 4 * deviation
    assert abs(dropped.mean() - 1) < 4 * deviation / (1 - rate)
    np.testing.assert_allclose(dropped[dropped != 0], 1 / (1 - rate), rtol=1e-6)


def test_a_mask_of_its_own_shape_drops_whole_rows() -> None:
    x = tf.ones([100, 7])
    dropped = noise(0.5).drop("source", x, tf.constant([100, 1])).numpy()
    assert (dropped == dropped[:, :1]).all()
    assert set(dropped.flatten()) == {0.0, 2.0}


def test_a_rate_of_zero_gives_back_the_input_itself() -> None:
    x = tf.ones([3])
    assert noise(0.0).drop("source", x) is x
    assert noise().drop("a site without a rate", x) is x
