"""What moves a model, into a checkpoint and back.

Knows nothing of the loop: {weights, moments, average} and a State are all there is.
"""

from dataclasses import replace
from pathlib import Path

from nmt.checkpoint import AVERAGE, OPTIMIZER, WEIGHTS, Arrays, State, read_arrays
from nmt.parameters import Variables
from nmt.run import RunDirectory
from nmt.update import Updater


def save(
    run: RunDirectory, state: State, updater: Updater, *, best: bool, keep: int
) -> None:
    """Writes a checkpoint, and removes those that need not be kept.

    Raises: RunError if it cannot be written; those before are as they were.
    """
    arrays: dict[str, Arrays] = {
        WEIGHTS: updater.model.parameters.values(),
        OPTIMIZER: updater.adam.values(),
    }
    if updater.average is not updater.model:
        arrays[AVERAGE] = updater.average.parameters.values()
    if updater.loss_scale is not None:
        state = replace(state, **updater.loss_scale.values())
    run.save(state, arrays, best=best)
    # The last validated one is where the run goes back to.
    needed = []
    if state.validated_step is not None:
        needed = [replace(state, step=state.validated_step).name]
    run.sweep(keep, needed=needed)


def restore(checkpoint: Path, state: State, updater: Updater) -> None:
    """Takes all numbers from a checkpoint, whose `state` `read_state` found whole.

    Raises: RunError if it is of another model.
    """
    model, average = updater.model, updater.average
    held: tuple[tuple[str, Variables], ...] = (
        (WEIGHTS, model.parameters),
        (OPTIMIZER, updater.adam),
        (AVERAGE, average.parameters),
    )
    for file, holder in held:
        if file != AVERAGE or average is not model:
            holder.assign(read_arrays(checkpoint / file, holder.shapes()))
    if updater.loss_scale is not None:
        updater.loss_scale.assign(state.loss_scale, state.loss_scale_age)
