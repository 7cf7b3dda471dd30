"""From which checkpoint a run goes on, whatever happened to it before.

Knows nothing of what is in a checkpoint.
"""

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nmt.checkpoint import (
    State,
    read_state,
    read_unchecked_state,
    write_synced,
)
from nmt.errors import RunError
from nmt.files import BEFORE, UNFINISHED
from nmt.patience import without_best
from nmt.run import STEPS, RunDirectory


@dataclass
class Start:
    """Where a run goes on, and what people should know of it."""

    state: State = field(default_factory=State)
    checkpoint: Path | None = None  # None: nothing has been saved yet
    remarks: list[str] = field(default_factory=list)


def find_start(run: RunDirectory) -> Start:
    """The last checkpoint; where it is damaged, the one before, named and told.

    Raises: RunError if there are checkpoints, and none of them is whole.
    """
    clear_up(run)
    start = Start()
    checkpoints = sorted(run.checkpoints.glob(STEPS), reverse=True)
    last: Path | None = None
    try:
        last = run.named("last")
    except RunError as error:
        start.remarks.append(str(error))
    # A crash may have come before the newest was named, so `last` comes first.
    for checkpoint in dict.fromkeys([*([last] if last else []), *checkpoints]):
        try:
            start.state = read_state(checkpoint)
        except RunError as error:
            start.remarks.append(str(error))
            continue
        start.checkpoint = checkpoint
        if checkpoint != last:
            start.remarks.append(
                f"going back to {checkpoint.name}, the newest checkpoint that is whole"
            )
            write_synced(run.checkpoints / "last", checkpoint.name + "\n")
        _point_to_a_best(run, start, read=checkpoint != last)
        return start
    if start.remarks:
        raise RunError(
            f"{run.path}: no checkpoint of it is whole:\n  "
            + "\n  ".join(start.remarks)
            + "\nPut back a copy of one, or start anew with --restart (the old run is "
            "moved aside)"
        )
    return start


def machine_of(run: RunDirectory) -> dict[str, Any]:
    """What the run was computed on, if that can be told; nothing is changed."""
    try:
        last = run.named("last")
        return read_unchecked_state(last).machine if last else {}
    except RunError:
        return {}


def clear_up(run: RunDirectory) -> None:
    """Removes what a crash left unfinished; what it nearly replaced is put back."""
    for before in run.checkpoints.glob(f"{STEPS}{BEFORE}"):
        final = before.with_name(before.name.removesuffix(BEFORE))
        if not final.exists():
            os.replace(before, final)
    # By name: another command may be writing here what is its own.
    written = (run.config, run.metrics, run.tokenizer, run.corpus)
    for path in (
        *written,
        *(run.checkpoints / name for name in (STEPS, "best", "last")),
    ):
        for leftover in path.parent.glob(f"{path.name}*{UNFINISHED}"):
            if leftover.is_dir() and not leftover.is_symlink():
                shutil.rmtree(leftover)
            else:
                leftover.unlink()


def _point_to_a_best(run: RunDirectory, start: Start, *, read: bool) -> None:
    """Lets `best` name a checkpoint: one that is whole, where it is to be read.

    Where the one with the best value is gone, that value counts no more: what
    translates would have another checkpoint until the end.
    """
    assert start.checkpoint is not None
    state = start.state
    with_best_value = run.checkpoints / State(step=state.best_step).name

    def name(checkpoint: Path) -> Path:
        write_synced(run.checkpoints / "best", checkpoint.name + "\n")
        start.remarks.append(f"the best checkpoint is now {checkpoint.name}")
        return checkpoint

    try:
        best = run.named("best")
        if best is not None and read:
            read_state(best)
    except RunError:
        best = name(with_best_value if _is_whole(with_best_value) else start.checkpoint)
    if best is None and state.best is not None and _is_whole(with_best_value):
        best = name(with_best_value)
    # One that is newer than the start will be made, and be the best, again.
    if state.best is None or (best is not None and best.name > state.name):
        return
    if with_best_value == start.checkpoint:
        if best != start.checkpoint:  # a crash came before it had that name
            name(start.checkpoint)
    elif not with_best_value.exists() and not state.stopped:
        start.remarks.append(
            f"{with_best_value.name}, which validated best, is lost: the next "
            "validation is the best so far"
        )
        start.state = without_best(state)


def _is_whole(checkpoint: Path) -> bool:
    try:
        read_state(checkpoint)
    except RunError:
        return False
    return True
