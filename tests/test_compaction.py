"""Sentences that leave a batch, with arithmetic in place of a search."""

from typing import Any

import numpy as np
import tensorflow as tf
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nmt.compaction import run_until_finished

Array = np.ndarray[Any, Any]

lifetimes = st.lists(st.integers(0, 9), min_size=1, max_size=12)


class Sums:
    """K rows a sentence, each of which adds its own gains for a lifetime.

    Afterwards too, where `endless`: as a sentence that has finished but not left may.
    """

    def __init__(self, lifetimes: list[int], rows: int, endless: bool = False) -> None:
        self.lifetimes = np.array(lifetimes, np.int32)
        self.rows = rows
        self.endless = endless
        random = np.random.default_rng(len(lifetimes) + 100 * rows)
        self.gains = random.integers(-99, 99, [len(lifetimes) * rows, 2])
        self.sizes: list[tuple[int, int]] = []  # (sentences, unfinished) by step

    def advance(self, time: Any, moving: Any, given: Any) -> Any:
        (lifetime,), gains = given
        going = ~self.finished(moving)
        if tf.executing_eagerly():
            self.sizes.append((len(going), int(tf.math.count_nonzero(going))))
        counts = tf.repeat(going | self.endless, self.rows)[:, tf.newaxis]
        weighed = gains * tf.cast(time + 1, tf.int64)
        sums = moving["sums"] + tf.where(counts, weighed, tf.zeros_like(weighed))
        return {"sums": sums, "left": moving["left"] - 1, "lifetime": lifetime}

    def finished(self, moving: Any) -> Any:
        return moving["left"] <= 0

    def run(self) -> Any:
        moving = {
            "sums": tf.zeros_like(self.gains),
            "left": tf.constant(self.lifetimes),
            "lifetime": tf.constant(self.lifetimes),
        }
        return run_until_finished(
            self.advance,
            self.finished,
            lambda moving: (moving["sums"], moving["lifetime"]),
            moving,
            ((tf.constant(self.lifetimes),), tf.constant(self.gains)),
            tf.constant(len(self.lifetimes)),
        )

    def expected(self) -> Array:
        """1 g + 2 g + ... + n g of each row's gains g, n the sentence's lifetime."""
        lifetime = np.repeat(self.lifetimes, self.rows)[:, np.newaxis]
        return self.gains * (lifetime * (lifetime + 1) // 2)


@settings(deadline=None, max_examples=15)
@given(lifetimes, st.integers(1, 3))
@example([0, 0, 0], 2)
@example([9, 0, 0, 9, 0, 9, 1, 0], 1)
def test_each_sentence_has_its_own_result_whenever_the_others_finish(
    lifetimes: list[int], rows: int
) -> None:
    sums = Sums(lifetimes, rows)
    found, given = sums.run()
    assert (found.numpy() == sums.expected()).all()
    assert given.numpy().tolist() == lifetimes


@settings(deadline=None, max_examples=15)
@given(lifetimes, st.integers(1, 3))
def test_at_every_step_over_three_quarters_of_the_batch_are_unfinished(
    lifetimes: list[int], rows: int
) -> None:
    sums = Sums(lifetimes, rows)
    sums.run()
    assert len(sums.sizes) == max(lifetimes)
    for there, unfinished in sums.sizes:
        assert unfinished > there * 3 // 4


@settings(deadline=None, max_examples=20)
@given(lifetimes)
def test_a_result_is_from_when_its_sentence_had_finished(lifetimes: list[int]) -> None:
    sums = Sums(lifetimes, 1, endless=True)
    found = sums.run()[0].numpy()
    for lifetime, gains, row in zip(lifetimes, sums.gains, found, strict=True):
        possible = [time * (time + 1) // 2 for time in range(lifetime, 10)]
        assert row.tolist() in [(gains * factor).tolist() for factor in possible]


def test_a_graph_has_the_same_results() -> None:
    sums = Sums([3, 0, 7, 1, 1, 5, 7, 2], 2)
    found, _ = tf.function(sums.run, autograph=False)()
    assert (found.numpy() == sums.expected()).all()
