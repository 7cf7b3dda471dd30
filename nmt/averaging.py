"""The mean of a run's newest checkpoints, as one more checkpoint beside them.

Knows nothing of training. Its name is not that of a step, `average-3-step-00004500` for
three of which that is the last: training neither goes on from it nor removes it.
Averaging the ends of one run often scores better than any of them (Junczys-Dowmunt,
Dwojak & Sennrich 2016, section 2.2).
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from nmt.checkpoint import AVERAGE, WEIGHTS, Arrays, write_checkpoint
from nmt.errors import RunError
from nmt.run import RunDirectory, open_run


def average_checkpoints(path: Path, last: int | None) -> Path:
    """The new checkpoint of the run at `path`, of its newest `last`, or of all.

    It averages the weights that translation uses: moving averages, where the run keeps
    them.

    Raises: RunError if this is no run, has too few checkpoints, or one is damaged.
    """
    # One that was saved between two validations is soon replaced.
    newest = RunDirectory(path).validated()
    if not newest:
        open_run(path)  # says what is wrong with it, as for other commands
        raise RunError(
            f"{path}: holds no validated checkpoints to average; expected a run "
            "directory, not one of its checkpoints"
        )
    count = len(newest) if last is None else last
    if not 2 <= count <= len(newest):
        raise RunError(
            f"{path}: {max(count, 2)} checkpoints are to be averaged, and here are "
            f"{len(newest)}: {', '.join(one.name for one in newest)}; training.keep "
            "says how many a run keeps"
        )
    chosen = [open_run(checkpoint) for checkpoint in newest[-count:]]
    total: dict[str, np.ndarray] = {}
    for run in chosen:
        for name, values in run.model().parameters.values().items():
            total[name] = total.get(name, np.float64(0)) + values.astype(np.float64)
    mean: Arrays = {
        name: (values / count).astype(np.float32) for name, values in total.items()
    }
    end = chosen[-1]
    files = [WEIGHTS] if end.config.training.average == "none" else [WEIGHTS, AVERAGE]
    final = end.checkpoint.with_name(f"average-{count}-{end.checkpoint.name}")
    state = replace(end.state, best=None, best_step=0)
    write_checkpoint(final, state, {file: mean for file in files})
    return final
