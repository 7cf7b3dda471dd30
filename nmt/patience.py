"""What follows from a validation: the best so far, the plateau schedule, the early end.

Knows nothing of how a value came about; higher values are better.
"""

import math
from dataclasses import replace

from nmt.checkpoint import State
from nmt.config import TrainingConfig


def after_validation(state: State, value: float, training: TrainingConfig) -> State:
    """The state once validation has found `value` after its last update.

    `best_step` is the state's own step where the value is the best so far; a value as
    good as the best is no better.
    """
    # A few skipped updates, too few to go back, may be all since the last validation.
    rollbacks = state.rollbacks if state.skipped else 0
    state = replace(state, validated_step=state.step, rollbacks=rollbacks)
    # What is no number is no best: nothing would ever be better.
    if math.isfinite(value) and (state.best is None or value > state.best):
        state = replace(
            state, best=value, best_step=state.step, since_best=0, since_reduction=0
        )
    else:
        state = replace(
            state,
            since_best=state.since_best + 1,
            since_reduction=state.since_reduction + 1,
        )
    reduces = training.schedule == "plateau"
    if reduces and state.since_reduction >= training.plateau_patience:
        state = replace(state, reductions=state.reductions + 1, since_reduction=0)
    return replace(state, stopped=out_of_patience(state, training))


def out_of_patience(state: State, training: TrainingConfig) -> bool:
    """Whether early stopping, if there is any, ends the run here."""
    stopping = training.early_stopping
    return stopping is not None and state.since_best >= stopping.patience


def without_best(state: State) -> State:
    """The state where the next validation is the best so far, whatever it finds."""
    return replace(state, best=None, since_best=0, since_reduction=0)


def ended(state: State, training: TrainingConfig) -> bool:
    """Whether the run is at an end that the configuration sets."""
    return (
        state.stopped
        or (training.epochs is not None and state.epoch >= training.epochs)
        or (training.steps is not None and state.step >= training.steps)
    )


def updates_to_come(
    state: State, training: TrainingConfig, batches_an_epoch: int
) -> int:
    """Until the end that the configuration sets; early stopping may come before."""
    ends = []
    if training.epochs is not None:
        whole = training.epochs - state.epoch - 1  # epochs after this one
        updates = whole * -(-batches_an_epoch // training.accumulate)
        rest = batches_an_epoch - state.batch
        ends.append(updates - (-rest // training.accumulate))
    if training.steps is not None:
        ends.append(training.steps - state.step)
    return min(ends)


def validation_is_due(state: State, training: TrainingConfig) -> bool:
    """Whether validation comes before the next update.

    Before the first one, to show what is to be improved on, if there is anything.
    """
    if state.step == 0 and training.start_from is None:
        return False
    every = training.validate_every
    at_place = state.batch == 0 if every == "epoch" else state.step % every == 0
    return at_place and state.validated_step != state.step
