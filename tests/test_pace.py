"""Figures of a line of metrics, and how long the rest takes at the pace so far."""

import math

import numpy as np
import pytest

from nmt.batches import pack
from nmt.checkpoint import State
from nmt.config import TrainingConfig
from nmt.interval import Interval, Pace
from nmt.patience import ended, updates_to_come
from nmt.update import Report


def test_the_loss_is_that_of_the_tokens_whose_loss_is_a_number() -> None:
    interval = Interval()
    assert math.isnan(_add(interval, math.nan, tokens=9)["loss"])
    assert _add(interval, 2.0, tokens=3)["loss"] == 2.0
    assert _add(interval, 4.0, tokens=1)["loss"] == pytest.approx((2 * 3 + 4) / 4)
    figures = _add(interval, math.inf, tokens=7)
    assert figures["loss"] == pytest.approx((2 * 3 + 4) / 4)
    # All are padded to their own length, so nothing is padding.
    assert figures["padding"] == 0


def test_padding_is_that_of_the_target_side() -> None:
    interval = Interval()
    for batch in (pack([[4] * 9], [[5]]), pack([[4], [5, 6]], [[5, 6, 7], [8]])):
        tokens = np.count_nonzero(batch.target_out)
        report = Report(np.float32(1), np.float32(tokens), np.float32(1), True, False)
        interval.add([batch], report)
    assert interval.summary()["padding"] == pytest.approx(1 - 8 / (2 + 8))


def _add(interval: Interval, loss: float, tokens: int) -> dict[str, float]:
    batch = pack([[5]], [[5] * (tokens - 1)])
    norm = np.float32(1)
    interval.add(
        [batch], Report(np.float32(loss), np.float32(tokens), norm, True, False)
    )
    return interval.summary()


def test_time_left_is_updates_left_at_the_pace_so_far(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = iter([100.0, 120.0, 200.0])
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    pace = Pace()
    assert pace.seconds_left(step=1010, last_step=2000) is None
    # 20 s for 10 updates, then 100 s for 40, a validation among them.
    assert pace.seconds_left(step=1020, last_step=2000) == pytest.approx(2.0 * 980)
    assert pace.seconds_left(step=1050, last_step=1050) == 0


@pytest.mark.parametrize("accumulate", [1, 3])
@pytest.mark.parametrize(
    "ends", [{"epochs": 3}, {"epochs": None, "steps": 25}, {"epochs": 4, "steps": 5}]
)
def test_updates_to_come_are_as_many_as_the_loop_makes(
    ends: dict[str, int | None], accumulate: int
) -> None:
    batches = 10
    training = TrainingConfig(**ends, accumulate=accumulate)
    state, expected = State(), []
    while not ended(state, training):
        expected.append(updates_to_come(state, training, batches))
        left = batches - state.batch  # an epoch's last update may have fewer batches
        batch = (state.batch + min(accumulate, left)) % batches
        state = State(
            step=state.step + 1, epoch=state.epoch + (batch == 0), batch=batch
        )
    assert expected == list(range(state.step, 0, -1))
