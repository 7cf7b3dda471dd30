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

import errno
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.lib.npyio import NpzFile
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, with_config

from nmt.errors import RunError, in_one_line
from nmt.files import UNFINISHED, open_regular, replacing_directory, sync

Arrays = dict[str, np.ndarray[Any, Any]]

WEIGHTS, AVERAGE, OPTIMIZER = "weights.npz", "average.npz", "optimizer.npz"
STATE, MANIFEST = "state.json", "manifest.json"
LARGEST_JSON = 1 << 22  # bytes; ours are a few thousand
DAMAGE = "(an interrupted copy, or a failing disk); use another checkpoint"

Count = Annotated[int, Field(ge=0, lt=2**62)]


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True)
class State:
    """How far a run has come: with the arrays, all that a resumed run needs."""

    step: Count = 0  # updates done
    epoch: Count = 0  # passes over the data completed
    batch: Count = 0  # batches of the current epoch's plan used up
    best: float | None = None  # best validation value so far; higher is better
    measure: str = ""  # what `best` is a value of: metric and validation set
    best_step: Count = 0
    validated_step: Count | None = None  # the last step at which validation ran
    logged_step: Count = 0  # the last update with a line of metrics
    unlogged: dict[str, Any] = field(default_factory=dict)  # those since, if any
    since_best: Count = 0  # validations in a row without improvement
    since_reduction: Count = 0  # the same, since the plateau schedule last acted
    reductions: Count = 0  # times that the plateau schedule reduced the learning rate
    skipped: Count = 0  # updates in a row, up to the last one, that were skipped
    halvings: Count = 0  # times that the run went back with half the learning rate
    halved: float | None = None  # training.learning_rate, as it was then
    rollbacks: Count = 0  # those of them since a validation with `skipped` 0
    stopped: bool = False  # early stopping ended the run
    corpus: str = ""  # checksum of what the training text was encoded from
    tokenizers: str = ""  # checksum of the tokenizers that made the ids
    identity: dict[str, Any] = field(default_factory=dict)  # keys that stay as they are
    machine: dict[str, Any] = field(default_factory=dict)  # what decides last digits
    loss_scale: float | None = None  # float16's
    loss_scale_age: int = 0  # updates since it changed

    @property
    def name(self) -> str:
        return f"step-{self.step:08d}"

    @property
    def is_validated(self) -> bool:
        """Whether validation ran after the last update; a start had none."""
        return 0 < self.step == self.validated_step

    @property
    def is_best(self) -> bool:
        """Whether no validation found more than the one at this very step."""
        return self.best is not None and self.best_step == self.step

    @property
    def last_steps(self) -> dict[str, int]:
        """The last step of each kind of metrics that is known of."""
        validated = -1 if self.validated_step is None else self.validated_step
        return {"train": self.logged_step, "validation": validated}

    @property
    def last_epoch(self) -> int:
        """The epoch of the last update, counted from 1."""
        return self.epoch + (1 if self.batch else 0)


_STATES = TypeAdapter(State)


def write_checkpoint(final: Path, state: State, arrays: Mapping[str, Arrays]) -> None:
    """The checkpoint `final`, with an npz file for each of `arrays`.

    Raises: RunError if it cannot be written; what was there is as it was.
    """
    # One of a start that was interrupted after this very step may be there.
    with writing(final), replacing_directory(final) as aside:
        _write_files(aside, state, arrays)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """A block that writes `path`, or files in it.

    Raises: RunError that names the file and what to do, where the system refuses.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            remedy = "make room on that disk"
        elif error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
            remedy = "make it writable"
        elif error.errno in (errno.ENOENT, errno.ENOTDIR):
            remedy = "the run directory was moved or removed meanwhile: put it back"
        else:
            remedy = "mend that"
        raise RunError(
            f"{error.filename or path}: cannot be written: {error.strerror or error}; "
            f"the checkpoints saved before are as they were: {remedy}, and nmt train "
            "goes on"
        ) from error


def _write_files(aside: Path, state: State, arrays: Mapping[str, Arrays]) -> None:
    for name, values in arrays.items():
        np.savez(aside / name, **values)  # type: ignore[arg-type]
    (aside / STATE).write_text(json.dumps(asdict(state), indent=1) + "\n")
    manifest = {
        file.name: {"bytes": file.stat().st_size, "sha256": _digest(file)}
        for file in sorted(aside.iterdir())
    }
    (aside / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n")
    for file in [*aside.iterdir(), aside]:
        sync(file)


def read_state(checkpoint: Path) -> State:
    """The state in a checkpoint, whose files are checked against its manifest.

    Raises: RunError if one is missing or damaged.
    """
    manifest = _read_json(checkpoint / MANIFEST)
    unlisted = {STATE, WEIGHTS, *(file.name for file in checkpoint.glob("*.npz"))}
    unlisted -= set(manifest)
    if unlisted:
        raise RunError(
            f"{checkpoint / MANIFEST}: damaged: it does not list {min(unlisted)} "
            f"{DAMAGE}"
        )
    for name, expected in manifest.items():
        file = checkpoint / Path(name).name
        if not file.is_file():
            raise RunError(
                f"{file}: missing, though the checkpoint's manifest has it {DAMAGE}"
            )
        actual = {"bytes": file.stat().st_size, "sha256": _digest(file)}
        if actual != expected:
            raise RunError(
                f"{file}: damaged: its size or checksum is not the manifest's {DAMAGE}"
            )
    return read_unchecked_state(checkpoint)


def read_unchecked_state(checkpoint: Path) -> State:
    """The state alone, in an instant; that the files are whole is not said.

    Raises: RunError if there is none.
    """
    try:
        # From JSON, where strict means that no text stands for a number.
        return _STATES.validate_json(
            json.dumps(_read_json(checkpoint / STATE)), strict=True
        )
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(map(str, problem["loc"]))
        raise RunError(
            f"{checkpoint / STATE}: not the state of a run: {key}: {problem['msg']} "
            f"{DAMAGE}"
        ) from None


def was_validated(checkpoint: Path) -> bool:
    """Whether validation ran at its step, which is assumed where nobody can tell."""
    try:
        return read_unchecked_state(checkpoint).is_validated
    except RunError:
        return True


def read_arrays(file: Path, shapes: Mapping[str, tuple[int, ...]]) -> Arrays:
    """The float32 arrays of an npz file, which must be those in `shapes`.

    Raises: RunError naming what is missing, superfluous or of another shape or type.
    """
    expected = {name: f"float32 {shape}" for name, shape in shapes.items()}
    actual: dict[str, str] = {}
    try:
        with open_regular(file) as stream, NpzFile(stream, own_fid=False) as archive:
            # Of strangers' files too: what is not expected takes no memory.
            actual = {name: _kind(archive, name) for name in archive.files}
            if actual == expected:
                return {name: np.asarray(archive[name]) for name in shapes}
    except Exception as error:  # numpy and zipfile have a dozen for damaged bytes
        # Before that a stranger's file may ask for any amount.
        if isinstance(error, MemoryError) and actual == expected:
            raise
        raise RunError(f"{file}: no archive of plain numbers {DAMAGE}") from None
    nothing = "nothing of that name"
    name = min(
        name for name in {*expected, *actual} if expected.get(name) != actual.get(name)
    )
    raise RunError(
        f"{file}: {in_one_line(name)} is {actual.get(name, nothing)}, where the "
        f"configuration's model has {expected.get(name, nothing)}; the checkpoint "
        "belongs to another model"
    )


def _kind(archive: NpzFile, name: str) -> str:
    """Type and shape of an array by its header, before its numbers are read."""
    assert archive.zip is not None
    with archive.zip.open(f"{name}.npy") as member:
        if np.lib.format.read_magic(member) != (1, 0):
            raise ValueError("written by another program")
        shape, _, dtype = np.lib.format.read_array_header_1_0(member)
        return f"{dtype} {shape}"


def _read_json(file: Path) -> dict[str, Any]:
    try:
        with open_regular(file) as stream:
            data = stream.read(LARGEST_JSON + 1)
        value = json.loads(data) if len(data) <= LARGEST_JSON else None
    except FileNotFoundError:
        raise RunError(
            f"{file}: missing; its folder is not a whole checkpoint {DAMAGE}"
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise RunError(
            f"{file}: cannot be read: {in_one_line(str(error))} {DAMAGE}"
        ) from None
    if not isinstance(value, dict):
        raise RunError(f"{file}: damaged: a small object was expected {DAMAGE}")
    return value


def write_synced(path: Path, text: str) -> None:
    """A small text file that appears whole, and is on the disk when this returns."""
    aside = path.with_name(path.name + UNFINISHED)
    with writing(path):
        aside.write_text(text, encoding="utf-8", newline="\n")
        sync(aside)
        os.replace(aside, path)
        sync(path.parent)


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
