"""A run is started, or goes on: alone, or as one of several workers.

Knows nothing of the command line. The one process that leads writes the run directory
and speaks; the others, if any, follow it.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

from nmt.checkpoint import read_state
from nmt.config import Config
from nmt.cores import settle, use_cores
from nmt.distribution import Distribution, distribute
from nmt.errors import RunError
from nmt.opening import Inputs, agree, load_validation, open_training
from nmt.pretrained import open_pretrained
from nmt.progress import NoProgress, Progress
from nmt.recovery import Start, find_start, machine_of
from nmt.rehearsal import enough_memory
from nmt.run import STEPS, RunDirectory
from nmt.signals import Interrupted, Signals
from nmt.terminal import Verbosity
from nmt.training import Training


def train(
    config: Config,
    *,
    restart: bool = False,
    verbosity: Verbosity = Verbosity.NORMAL,
) -> None:
    """Trains until an end that the config sets, or a signal.

    Raises: NmtError for what a user can mend; Interrupted after a signal.
    """
    run = RunDirectory(config.run_dir)
    # A distribution starts the devices, whose threads are then what they are.
    before = {} if restart else machine_of(run)
    use_cores(config.training, before)
    distribution = distribute(
        config.training.strategy, deterministic=config.training.deterministic
    )
    with distribution.together():
        # Before anything is changed or takes long, and not before all have come: one of
        # several workers that does not is long waited for.
        validation = load_validation(config)
        begins = restart or not any(run.checkpoints.glob(STEPS))
        inputs = Inputs(validation, open_pretrained(config) if begins else None)
        if distribution.is_chief:
            _lead(config, distribution, inputs, restart=restart, verbosity=verbosity)
        else:
            _follow(config, distribution, inputs)


def _lead(
    config: Config,
    distribution: Distribution,
    inputs: Inputs,
    *,
    restart: bool,
    verbosity: Verbosity,
) -> None:
    """Trains, alone or as the one worker that writes the run directory."""
    run = RunDirectory(config.run_dir)
    run.check_place()
    # A second --restart would begin a third run.
    again = "the same command" + (" without --restart" if restart else "")
    with Signals() as signals:
        moved = run.move_aside() if restart else None
        with run.locked():
            start = find_start(run)
            state = start.state
            changes = run.check(config, state)
            if changes:  # another configuration may not fail as the last one did
                start.state = replace(start.state, rollbacks=0)
            if state.halved not in (None, config.training.learning_rate):
                # It is not the rate that was halved: it is meant as it stands.
                start.state = replace(start.state, halvings=0, halved=None)
            machine = settle(config.training, state.machine)
            given = run.write_config(config) if start.checkpoint is None else None
            agree(config, distribution, start)
            outputs = Progress(
                run.metrics,
                run.log,
                last_step=state.step,
                last_steps=state.last_steps,
                events=run.events,
                verbosity=verbosity,
            )
            with (
                outputs as progress,
                # Within, since the log is to have the message.
                distribution.losses_named(),
                enough_memory(config),
            ):
                if moved is not None:
                    progress.say(f"the old run is now {moved}")
                _tell_given(progress, given)
                _tell_changes(progress, start, changes, machine)
                if distribution.described:
                    progress.say(distribution.described)
                try:
                    preparing = progress.busy("preparing the text and the model")
                    with preparing, signals.at_once():
                        opening = open_training(
                            config, run, start, inputs, machine, distribution
                        )
                        training = Training(
                            config, run, progress, opening, signals, again
                        )
                        if inputs.pretrained is not None:
                            origin = inputs.pretrained.checkpoint
                            progress.say(f"starting from {origin}")
                        if start.checkpoint is None:
                            training.rehearse()
                    if state.best is not None and opening.state.best is None:
                        progress.say(
                            "what validation measures has changed: the next one is the "
                            "best so far, and the best until now will be removed with "
                            "the oldest"
                        )
                except Interrupted:
                    progress.conclude(
                        "interrupted before the next update: nothing is lost; "
                        f"{again} goes on"
                    )
                    raise
                if start.state != state:
                    # Now, because config.yaml is to forget what has changed.
                    training.save(best=False)
                _tell_given(progress, run.write_config(config))
                training.run_to_end()


def _tell_given(progress: Progress, given: Path | None) -> None:
    if given is not None:
        progress.say(f"config.yaml has every key now; as it was it is {given.name}")


def _tell_changes(
    progress: Progress, start: Start, changes: list[str], machine: dict[str, Any]
) -> None:
    """Says what is not as it was when the run was last at work."""
    for remark in start.remarks:
        progress.warn(remark)
    if start.checkpoint is not None:  # before it nothing is settled
        for change in changes:
            progress.say(f"changed since the last start: {change}")
    for name, before in start.state.machine.items():
        if (now := machine.get(name)) != before:
            what = "the last digits of the weights may differ from those"
            if name == "parts":
                what = "dropout draws other masks than those"
            progress.warn(
                f"{name}: {before} -> {now}: {what} of a run that was not interrupted"
            )


def _follow(config: Config, distribution: Distribution, inputs: Inputs) -> None:
    """Trains in step with the chief, and leaves writing and speaking to it."""
    run = RunDirectory(config.run_dir)
    with Signals() as signals, enough_memory(config):
        start = agree(config, distribution, Start())
        if not run.config.exists():
            raise RunError(
                f"{run.path}: worker {distribution.worker} does not see what the chief "
                "has written there; run_dir has to be on a disk that all share"
            )
        if start.checkpoint is not None:
            read_state(start.checkpoint)  # it has to be whole as seen from here
        machine = settle(config.training, machine_of(run))
        with NoProgress() as progress:
            with signals.at_once():
                opening = open_training(
                    config, run, start, inputs, machine, distribution
                )
                training = Training(config, run, progress, opening, signals)
                if start.checkpoint is None:
                    training.rehearse()
            training.run_to_end()
