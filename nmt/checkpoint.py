"""One checkpoint: arrays and a state in a folder, written whole and verified.

Knows nothing of the model whose weights they are, nor of the run around it.

    weights.npz         by name, float32
    average.npz         their moving average, where the run keeps one
    optimizer.npz       Adam's two moments of each weight
    state.json          step, epoch, batch, best score ...
    manifest.json       the size and SHA-256 of each of the others

Written aside, synced to the disk, and renamed: it is whole or not there. Weights are
arrays of numbers (npz without pickle), never code.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from nmt.errors import RunError

Arrays = dict[str, np.ndarray[Any, Any]]

WEIGHTS, AVERAGE, OPTIMIZER = "weights.npz", "average.npz", "optimizer.npz"
STATE, MANIFEST = "state.json", "manifest.json"
UNFINISHED = ".unfinished"


@dataclass(frozen=True)
class State:
    """How far a run has come: with the arrays, all that a resumed run needs."""

    step: int = 0  # updates done
    epoch: int = 0  # passes over the data completed
    batch: int = 0  # batches of the current epoch's plan used up
    best: float | None = None  # best validation value so far; higher is better
    measure: str = ""  # what `best` is a value of: metric and validation set
    best_step: int = 0
    validated_step: int = 0  # the last update after which validation ran
    since_best: int = 0  # validations in a row without improvement
    since_reduction: int = 0  # the same, since the plateau schedule last acted
    reductions: int = 0  # times that the plateau schedule reduced the learning rate
    stopped: bool = False  # early stopping ended the run
    corpus: str = ""  # checksum of what the training text was encoded from
    tokenizers: str = ""  # checksum of the tokenizers that made the ids
    identity: dict[str, Any] = field(default_factory=dict)  # keys that stay as they are

    @property
    def name(self) -> str:
        return f"step-{self.step:08d}"

    @property
    def last_epoch(self) -> int:
        """The epoch of the last update, counted from 1."""
        return self.epoch + (1 if self.batch else 0)


def write_checkpoint(final: Path, state: State, arrays: Mapping[str, Arrays]) -> None:
    """The checkpoint `final`, with an npz file for each of `arrays`.

    Raises: RunError if it cannot be written; what was there is as it was.
    """
    aside = final.with_name(final.name + UNFINISHED)
    try:
        _write_files(aside, state, arrays)
    except OSError as error:
        raise RunError(
            f"{final}: cannot be saved: {error.strerror or error}; the checkpoints "
            "saved before are as they were; mend that, and the same command goes on"
        ) from error
    before = final.with_name(f"{final.name}.before{UNFINISHED}")
    if final.exists():  # of a start that was interrupted after this very step
        os.replace(final, before)
    os.replace(aside, final)
    _sync(final.parent)
    shutil.rmtree(before, ignore_errors=True)


def _write_files(aside: Path, state: State, arrays: Mapping[str, Arrays]) -> None:
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    for name, values in arrays.items():
        np.savez(aside / name, **values)  # type: ignore[arg-type]
    (aside / STATE).write_text(json.dumps(asdict(state), indent=1) + "\n")
    manifest = {
        file.name: {"bytes": file.stat().st_size, "sha256": _digest(file)}
        for file in sorted(aside.iterdir())
    }
    (aside / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n")
    for file in [*aside.iterdir(), aside]:
        _sync(file)


def read_state(checkpoint: Path) -> State:
    """The state in a checkpoint, whose files are checked against its manifest.

    Raises: RunError if one is missing or damaged.
    """
    manifest = _read_json(checkpoint / MANIFEST)
    unlisted = {STATE, WEIGHTS, *(file.name for file in checkpoint.glob("*.npz"))}
    unlisted -= set(manifest)
    if unlisted:
        raise RunError(
            f"{checkpoint / MANIFEST}: damaged: it does not list {min(unlisted)}"
        )
    for name, expected in manifest.items():
        file = checkpoint / Path(name).name
        if not file.is_file():
            raise RunError(f"{file}: missing, though the checkpoint's manifest has it")
        actual = {"bytes": file.stat().st_size, "sha256": _digest(file)}
        if actual != expected:
            raise RunError(
                f"{file}: damaged: its size or checksum is not the manifest's (an "
                "interrupted copy, or a failing disk); use another checkpoint"
            )
    try:
        return State(**_read_json(checkpoint / STATE))
    except TypeError as error:
        raise RunError(
            f"{checkpoint / STATE}: not the state of a run: {error}"
        ) from None


def read_arrays(file: Path, shapes: Mapping[str, tuple[int, ...]]) -> Arrays:
    """The float32 arrays of an npz file, which must be those in `shapes`.

    Raises: RunError naming what is missing, superfluous or of another shape or type.
    """
    try:
        # Opened here, because numpy does not close a file that is no archive.
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            arrays = {name: np.asarray(archive[name]) for name in archive.files}
    except Exception as error:  # numpy and zipfile have a dozen for damaged bytes
        raise RunError(f"{file}: cannot be read as weights: {error}") from None
    actual_kinds = {name: f"{x.dtype} {x.shape}" for name, x in arrays.items()}
    expected_kinds = {name: f"float32 {shape}" for name, shape in shapes.items()}
    for name in sorted(set(shapes) | set(arrays)):
        actual = actual_kinds.get(name, "nothing of that name")
        expected = expected_kinds.get(name, "nothing of that name")
        if actual != expected:
            raise RunError(
                f"{file}: {name} is {actual}, where the configuration's model has "
                f"{expected}; the checkpoint belongs to another model"
            )
    return arrays


def _read_json(file: Path) -> dict[str, Any]:
    try:
        value = json.loads(file.read_text())
    except FileNotFoundError:
        raise RunError(
            f"{file}: missing; its folder is not a whole checkpoint"
        ) from None
    except (OSError, ValueError) as error:
        raise RunError(f"{file}: cannot be read: {error}") from None
    if not isinstance(value, dict):
        raise RunError(f"{file}: damaged: an object was expected")
    return value


def write_synced(path: Path, text: str) -> None:
    """A small text file that appears whole, and is on the disk when this returns."""
    aside = path.with_name(path.name + UNFINISHED)
    aside.write_text(text, encoding="utf-8", newline="\n")
    _sync(aside)
    os.replace(aside, path)
    _sync(path.parent)


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _sync(path: Path) -> None:
    """Waits until a file's or a directory's content is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
