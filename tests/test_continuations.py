"""What may come next, against plain numpy and Python."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from nmt.continuations import (
    GROUP,
    IMPOSSIBLE,
    Limits,
    Turn,
    best_continuations,
    drawn_continuations,
    repeats,
)

END = 1
Array = np.ndarray[Any, Any]

# Below, at and above where the K best are looked for in groups; whole groups and not.
VOCABULARIES = [3, 12, GROUP - 1, 4 * GROUP - 1, 4 * GROUP, 9 * GROUP + 7, 20 * GROUP]
VOCABULARIES += [45 * GROUP * GROUP + 7]  # groups of groups

numbers = st.integers(0, 2**32 - 1)


class Case(NamedTuple):
    """Rows of logits and what may come after them."""

    logits: Array  # [N, V]
    limits: Limits
    time: int
    caps: Array  # [N]
    forced: Array  # [N]
    barred: Array | None  # [N, V]

    @property
    def turn(self) -> Turn:
        return Turn(tf.constant(self.time), tf.constant(self.caps), self.forced)

    def allowed(self, row: int) -> list[int]:
        """The rule in plain Python: the ids that may come, by id."""
        if self.forced[row] >= 0:
            return [int(self.forced[row])]
        if self.time >= self.caps[row]:
            return [END]
        allowed = [
            id
            for id, logit in enumerate(self.logits[row])
            if id not in self.limits.forbidden
            and not (id == END and self.time < self.limits.min_length)
            and not (self.barred is not None and self.barred[row, id])
            and logit > -np.inf
        ]
        return allowed or [END]


@st.composite
def cases(draw: Any) -> Case:
    vocabulary = draw(st.sampled_from(VOCABULARIES))
    random = np.random.default_rng(draw(numbers))
    rows = draw(st.integers(1, 4))
    # Few levels: many ties.
    levels = draw(st.sampled_from([2, 20, 10**6]))
    logits = random.integers(-levels, levels, [rows, vocabulary]) * (8 / levels)
    logits[random.random(logits.shape) < draw(st.sampled_from([0, 0.1, 0.9]))] = -np.inf
    logits[:, END] = random.normal(size=rows)  # one at least is possible
    forbidden = draw(st.lists(st.integers(2, vocabulary - 1), max_size=3))
    return Case(
        logits=logits.astype(np.float32),
        limits=Limits(END, tuple({0, *forbidden}), draw(st.sampled_from([0, 0, 2]))),
        time=draw(st.integers(0, 3)),
        caps=random.integers(1, 9, rows).astype(np.int32),
        forced=np.where(
            random.random(rows) < draw(st.sampled_from([0, 0.3])),
            random.integers(0, vocabulary, rows),
            -1,
        ).astype(np.int32),
        barred=draw(
            st.sampled_from([None, random.random([rows, vocabulary]) < 0.3]),
        ),
    )


def log_softmax(logits: Array) -> Array:
    exact = logits.astype(np.float64)
    return exact - np.log(np.exp(exact).sum(-1, keepdims=True))


# What is forced comes, though it be barred and nothing else may come.
@example(
    Case(
        np.float32([[1, 2, 3]]),
        Limits(END, (0,), 2),
        0,
        np.int32([9]),
        np.int32([2]),
        np.array([[0, 0, 1]]) > 0,
    ),
    1,
)
@settings(deadline=None, max_examples=150)
@given(cases(), st.integers(1, 5))
def test_the_best_are_the_first_of_all_that_may_come_sorted_stably(
    case: Case, count: int
) -> None:
    found = best_continuations(
        tf.constant(case.logits), count, case.limits, case.turn, case.barred
    )
    values, ids = (tensor.numpy() for tensor in found)
    assert values.shape == ids.shape == (len(ids), min(count, case.logits.shape[1]))
    for row, log_probs in enumerate(log_softmax(case.logits)):
        allowed = case.allowed(row)
        order = np.argsort(-case.logits[row, allowed], kind="stable")
        best = [allowed[place] for place in order if log_probs[allowed[place]] > -1e9]
        best = best[:count]
        assert ids[row, : len(best)].tolist() == best
        np.testing.assert_allclose(values[row, : len(best)], log_probs[best], atol=1e-5)
        assert (values[row, len(best) :] <= IMPOSSIBLE / 2).all()


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.lists(st.integers(0, 3), min_size=9, max_size=9), min_size=1),
    st.integers(0, 9),
    st.integers(1, 4),
)
def test_what_repeats_is_what_ends_an_ngram_told_before(
    rows: list[list[int]], time: int, size: int
) -> None:
    def would_repeat(told: Sequence[int], id: int) -> bool:
        ngrams = [tuple(told[at : at + size]) for at in range(len(told) - size + 1)]
        return len(told) >= size - 1 and ((*told[len(told) - size + 1 :], id) in ngrams)

    found = repeats(tf.constant(rows), tf.constant(time), size, 5).numpy()
    assert found.tolist() == [
        [would_repeat(row[:time], id) for id in range(5)] for row in rows
    ]


filters = st.fixed_dictionaries(
    {
        "temperature": st.sampled_from([1e-30, 0.3, 1.0, 1.7, 1e12]),
        "top_k": st.sampled_from([0, 1, 2, 5, 1000]),
        "top_p": st.sampled_from([1.0, 0.9, 0.5, 0.03]),
    }
)


def distribution(
    case: Case, row: int, *, temperature: float, top_k: int, top_p: float
) -> Array:
    """[V]: with what probability each id should be drawn."""
    probabilities = np.zeros(case.logits.shape[1])
    allowed = np.array(case.allowed(row), int)
    if case.forced[row] >= 0 or case.time >= case.caps[row]:
        probabilities[allowed] = 1  # however improbable it is
        return probabilities
    assume(allowed[0] != END or case.time >= case.limits.min_length)
    logits = case.logits[row, allowed].astype(np.float64)
    order = np.argsort(-logits, kind="stable")[: top_k or None]
    shares = np.exp((logits[order] - logits.max()) / temperature)
    shares /= shares.sum()
    before = np.cumsum(shares) - shares
    assume(np.abs(before[1:] - top_p).min(initial=1) > 1e-4)  # rounding would decide
    shares[before >= top_p] = 0
    probabilities[allowed[order]] = shares / shares.sum()
    return probabilities


@settings(deadline=None, max_examples=50)
@given(cases(), filters)
def test_ids_are_drawn_as_often_as_the_filtered_distribution_has_them(
    case: Case, options: dict[str, Any]
) -> None:
    case = case._replace(barred=None)  # no sample is
    count = 200
    grid = ((np.arange(count) + 0.5) / count).astype(np.float32)
    everywhere = Turn(*(np.repeat(part, count) for part in case.turn))
    gains, ids = drawn_continuations(
        tf.constant(np.repeat(case.logits, count, 0)),
        tf.constant(np.tile(grid, len(case.logits))),
        case.limits,
        everywhere._replace(time=case.turn.time),
        **options,
    )
    for row, drawn in enumerate(ids.numpy().reshape(-1, count)):
        shares = np.bincount(drawn, minlength=case.logits.shape[1]) / count
        expected = distribution(case, row, **options)
        # An interval has one point of the grid more or less than its length tells.
        assert np.abs(shares - expected).max() < 1.01 / count
    log_probs = np.repeat(log_softmax(case.logits), count, 0)
    own = np.take_along_axis(log_probs, ids.numpy()[:, np.newaxis], 1)[:, 0]
    np.testing.assert_allclose(gains, own, atol=1e-5)


@settings(deadline=None, max_examples=25)
@given(cases(), filters, numbers)
def test_an_id_is_a_function_of_its_own_logits_and_draw(
    case: Case, options: dict[str, Any], number: int
) -> None:
    random = np.random.default_rng(number)
    draws = random.random(len(case.logits), np.float32)

    def drawn(rows: Array) -> list[list[float]]:
        turn = Turn(case.turn.time, case.caps[rows], case.forced[rows])
        found = drawn_continuations(
            tf.constant(case.logits[rows]), draws[rows], case.limits, turn, **options
        )
        return np.transpose(found).tolist()

    rows = random.permutation(len(draws))
    alone = [drawn(rows[[place]])[0] for place in range(len(rows))]
    assert drawn(rows) == [pytest.approx(row, abs=1e-5) for row in alone]


@settings(deadline=None, max_examples=40)
@given(cases(), filters)
def test_the_least_and_the_greatest_draw_take_what_may_be_drawn(
    case: Case, options: dict[str, Any]
) -> None:
    case = case._replace(barred=None)
    for extreme in (0.0, np.nextafter(np.float32(1), np.float32(0))):
        draws = np.full(len(case.logits), extreme, np.float32)
        _, ids = drawn_continuations(
            tf.constant(case.logits), draws, case.limits, case.turn, **options
        )
        for row, id in enumerate(ids.numpy()):
            assert distribution(case, row, **options)[id] > 0
