import numpy as np
import pytest

from nmt.parameters import Parameters


def test_an_initial_value_is_a_function_of_seed_name_and_shape() -> None:
    def make(seed: int, *names: str) -> dict[str, np.ndarray]:
        parameters = Parameters(seed)
        for name in names:
            parameters.matrix(name, 3, 4)
        return parameters.values()

    one, other = make(1, "a", "b"), make(1, "c", "b", "a")
    np.testing.assert_array_equal(one["a"], other["a"])
    np.testing.assert_array_equal(one["b"], other["b"])
    assert not np.array_equal(one["a"], one["b"])
    assert not np.array_equal(one["a"], make(2, "a")["a"])


def test_each_block_of_a_matrix_has_the_variance_of_glorot_and_bengio() -> None:
    matrix = Parameters(1).matrix("a", 100, 50, 200).numpy()
    for block, columns in ((matrix[:, :50], 50), (matrix[:, 50:], 200)):
        variance = 2 / (100 + columns)
        assert block.shape == (100, columns)
        assert abs(block).max() <= np.sqrt(3 * variance)
        assert block.var() == pytest.approx(variance, rel=0.05)


def test_recurrent_matrices_are_orthogonal_and_differ() -> None:
    matrix = Parameters(1).recurrent("a", 6, beside=4).numpy()
    assert matrix.shape == (6, 4 + 3 * 6)
    blocks = np.split(matrix[:, 4:], 3, 1)
    for block in blocks:
        np.testing.assert_allclose(block @ block.T, np.eye(6), atol=1e-6)
    assert not np.allclose(blocks[0], blocks[1])
    assert 0 < abs(matrix[:, :4]).max() <= np.sqrt(6 / (6 + 4))


def test_embeddings_have_length_about_one() -> None:
    embeddings = Parameters(1).embeddings("a", 500, 64).numpy()
    assert (embeddings**2).sum(1).mean() == pytest.approx(1, rel=0.05)


def test_norms_start_with_gain_one_and_bias_zero() -> None:
    assert Parameters(1).norm("a", 2).numpy().tolist() == [[1, 1], [0, 0]]


def test_weights_are_float32_and_come_back_as_they_were() -> None:
    parameters, other = Parameters(1), Parameters(2)
    for made in (parameters, other):
        made.matrix("a/matrix", 2, 3)
        made.vector("a/vector", 3)
        made.zeros("a/zeros", 2, 2)
    values = parameters.values()
    assert list(values) == ["a/matrix", "a/vector", "a/zeros"]
    assert {value.dtype for value in values.values()} == {np.dtype(np.float32)}
    other.assign(values)
    parameters.by_name["a/zeros"].assign_add([[1, 1], [1, 1]])
    for name, value in other.values().items():
        np.testing.assert_array_equal(value, values[name])
    assert not values["a/zeros"].any()  # a copy: later updates do not reach it


def test_a_name_is_used_once() -> None:
    parameters = Parameters(1)
    parameters.zeros("a", 2)
    with pytest.raises(AssertionError):
        parameters.matrix("a", 2, 2)
