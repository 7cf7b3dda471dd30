"""Back to the last validated checkpoint, with half the learning rate.

Knows nothing of when to go back.

The checkpoint that is gone back to is written again with a state that says so: whatever
interrupts the run, it is the same run in the end.
"""

from dataclasses import replace

from nmt.checkpoint import State, read_state
from nmt.config import Config
from nmt.run import STEPS, RunDirectory, make_model
from nmt.saving import restore, save
from nmt.tokenizer import TokenizerPair
from nmt.update import Updater


def roll_back(
    run: RunDirectory,
    config: Config,
    state: State,
    updater: Updater,
    tokenizers: TokenizerPair,
) -> State:
    """Gives the updater its numbers of the last validation, or of the run's start.

    What follows that step is removed, and what is returned is saved.

    Raises: RunError where the checkpoint is damaged, or cannot be written.
    """
    if state.validated_step is not None:
        checkpoint = run.checkpoints / replace(state, step=state.validated_step).name
        before = read_state(checkpoint)
        restore(checkpoint, before, updater)
    else:
        before = State()
        fresh = make_model(config, tokenizers, config.training.seed)
        updater.begin(fresh.parameters.values())
    # What validations have found stays: none has come since. And what has changed since
    # that checkpoint was saved, this start or one before it has taken.
    kept = (
        *("identity", "tokenizers", "corpus", "machine"),
        *("measure", "best", "since_best", "since_reduction", "stopped"),
    )
    back = replace(
        before,
        **{name: getattr(state, name) for name in kept},
        best_step=min(state.best_step, before.step),
        skipped=0,
        halvings=state.halvings + 1,
        halved=config.training.learning_rate,
        rollbacks=state.rollbacks + 1,
    )
    distribution = updater.distribution
    distribution.exchange(None)  # all have read what is now written over
    if distribution.is_chief:
        _forget(run, config, back, updater)
    return back


def _forget(run: RunDirectory, config: Config, back: State, updater: Updater) -> None:
    """Saves the state gone back to, and removes what came after it."""
    best = run.named("best")
    # Later than the last validation: the best one was lost.
    renamed = best is not None and best.name > back.name
    save(run, back, updater, best=renamed, keep=config.training.keep)
    for checkpoint in run.checkpoints.glob(STEPS):
        if checkpoint.name > back.name:
            run.remove(checkpoint)
