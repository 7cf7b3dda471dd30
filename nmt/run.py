"""The run directory: what is on disk, and how a run is opened again.

Knows nothing of how weights are trained or used.

    config.yaml             resolved: every key with its value
    tokenizer/              the model files
    corpus/                 the training text as ids; made again if it is gone
    checkpoints/
      step-00004500/        see `checkpoint`
      best, last            files that hold the name of one of the above
    metrics.jsonl           see `history`
    train.log               what the terminal showed, without the bar
    events/                 see `events`
    validation/             step-00004500.txt: the validation set as translated then

No path in it is absolute: the directory can be moved or copied.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from nmt.changes import differences, identity, refuse_another_run
from nmt.checkpoint import (
    AVERAGE,
    WEIGHTS,
    Arrays,
    State,
    read_arrays,
    read_state,
    was_validated,
    write_checkpoint,
    write_synced,
    writing,
)
from nmt.config import Config, dump_config, dump_given, load_config
from nmt.corpus import file_checksum
from nmt.errors import ConfigError, RunError, in_one_line
from nmt.files import UNFINISHED, behind_links, open_regular, replacing_directory
from nmt.history import METRICS
from nmt.model import TranslationModel
from nmt.signals import apart
from nmt.tokenizer import TokenizerPair, train_tokenizers

# The names of checkpoints, and of nothing that a user puts beside them.
STEPS = "step-" + "[0-9]" * 8


class RunDirectory:
    """The paths of a run, and its checkpoints."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "config.yaml"
        self.tokenizer = path / "tokenizer"
        self.corpus = path / "corpus"
        self.checkpoints = path / "checkpoints"
        self.metrics = path / METRICS
        self.log = path / "train.log"
        self.events = path / "events"
        self.validation = path / "validation"

    def named(self, pointer: str) -> Path | None:
        """The checkpoint that `best` or `last` names; None before there is one.

        Raises: RunError if it names none that is here.
        """
        file = self.checkpoints / pointer
        try:
            with open_regular(file) as stream:
                name = stream.read(100).decode(errors="replace").strip()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise RunError(
                f"{file}: cannot be read: {error.strerror or error}; expected a file "
                "with the name of a checkpoint"
            ) from None
        checkpoints = sorted(path.name for path in self.checkpoints.glob(STEPS))
        if name not in checkpoints:
            raise RunError(
                f"{file}: names {in_one_line(name, 40)}, which is no checkpoint that "
                f"is here; here are: {', '.join(checkpoints) or 'none'}; put one of "
                "these names into it"
            )
        return self.checkpoints / name

    def save(self, state: State, arrays: Mapping[str, Arrays], *, best: bool) -> None:
        """Writes a checkpoint and names it `last`, and `best` if it is that."""
        with writing(self.checkpoints):
            self.checkpoints.mkdir(exist_ok=True)
        write_checkpoint(self.checkpoints / state.name, state, arrays)
        # `best` first: after a crash in between, `last` is the one before, and the run
        # comes by here again.
        for pointer in ("best", "last") if best else ("last",):
            write_synced(self.checkpoints / pointer, state.name + "\n")

    def validated(self) -> list[Path]:
        """The checkpoints that validation has seen, oldest first."""
        checkpoints = sorted(self.checkpoints.glob(STEPS))
        return [each for each in checkpoints if was_validated(each)]

    def sweep(self, keep: int, *, needed: Collection[str] = ()) -> None:
        """Removes checkpoints: not `best`, `last`, those needed and the newest `keep`.

        Of those that were validated: another one has served its turn when there is a
        later one.
        """
        kept = {*self.validated()[-keep:], self.named("best"), self.named("last")}
        for checkpoint in self.checkpoints.glob(STEPS):
            if checkpoint not in kept and checkpoint.name not in needed:
                # What cannot be removed is in nobody's way.
                with suppress(OSError):
                    self.remove(checkpoint)

    def remove(self, checkpoint: Path) -> None:
        """Removes a checkpoint; one that is half removed has no checkpoint's name.

        Raises: OSError where the system refuses.
        """
        aside = checkpoint.with_name(checkpoint.name + UNFINISHED)
        checkpoint.rename(aside)
        shutil.rmtree(aside)

    def write_validation(self, state: State, translations: Sequence[str]) -> None:
        """The validation set as translated after the state's step."""
        with writing(self.validation):
            self.validation.mkdir(exist_ok=True)
            write_synced(
                self.validation / f"{state.name}.txt",
                "".join(f"{line}\n" for line in translations),
            )

    def move_aside(self) -> Path | None:
        """Renames the directory to the first free `NAME.old-N`; None: there is none."""
        if not self.path.exists():
            return None
        self.check_place()
        aside = _first_free(f"{self.path}.old-")
        with self.locked():
            self.path.rename(aside)
        return aside

    def check_place(self) -> None:
        """Nothing, if a run is here or may begin here.

        Raises: RunError where something else is.
        """
        if self.path.exists() and not self.path.is_dir():
            raise RunError(f"{self.path}: run_dir is a file; choose another run_dir")
        # Of a first start that a full disk or a kill ended.
        unfinished = self.config.with_name(self.config.name + UNFINISHED)
        if (
            self.path.exists()
            and not self.config.exists()
            and {*self.path.iterdir()} - {self._lock, unfinished}
        ):
            raise RunError(
                f"{self.path}: is not empty and holds no config.yaml, so it is not "
                "a run directory; choose another run_dir"
            )

    def check(self, config: Config, state: State) -> list[str]:
        """What changed since the last start, and may change: `key: old -> new`.

        Raises: RunError for a change that would make it another run than the one whose
        `state` is given.
        """
        if not self.config.exists():
            return []
        try:
            before = load_config(self.config)
        except ConfigError as error:
            raise RunError(
                f"{self.path}: its config.yaml is damaged: {error}"
            ) from error
        if state.identity:
            # A key that is newer than the checkpoint is in the configuration only.
            refuse_another_run(self.path, identity(before) | state.identity, config)
        return differences(before, config)

    def write_config(self, config: Config) -> Path | None:
        """Writes the resolved configuration, unless it is what is there.

        A user's own file may be the run's: it stays as it is where it has every key and
        says the same, and otherwise under the name that is returned.
        """
        kept = None
        if self.config.exists():
            there = load_config(self.config)
            if there == config and dump_given(there) == dump_config(there):
                return None
            # This program, and an older one, writes what this gives.
            if self.config.read_text("utf-8") != dump_given(there):
                kept = _first_free(f"{self.path}/config.given-", ".yaml")
                shutil.copyfile(self.config, kept)
        self.path.mkdir(parents=True, exist_ok=True)
        write_synced(self.config, dump_config(config))
        return kept

    def take_tokenizers(
        self, config: Config, given: TokenizerPair | None = None
    ) -> TokenizerPair:
        """The run's tokenizers, trained unless they are `given`, or there.

        Until there is a checkpoint they are made anew for another configuration of
        them, or other text.
        """
        origin = self.tokenizer / "origin.json"
        if not (self.tokenizer.exists() and self.named("last")):
            if given is not None:
                made_from = given.checksum
            else:
                checksums = [
                    [file_checksum(pair.source), file_checksum(pair.target)]
                    for pair in config.data.train
                ]
                made_from = json.dumps([config.tokenizer.model_dump(), checksums])
            if not origin.exists() or origin.read_text() != made_from:
                tokenizers = given or apart(
                    lambda: train_tokenizers(config.tokenizer, config.data.train)
                )
                with (
                    writing(self.tokenizer),
                    replacing_directory(self.tokenizer) as aside,
                ):
                    tokenizers.save(aside)
                    (aside / origin.name).write_text(made_from)
        return TokenizerPair.load(self.tokenizer)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the directory, which is made if need be, against other trainers.

        A lock of the system: it ends with the process, however that ends.

        Raises: RunError if another process holds it, or it cannot be made.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(
                f"{self.path}: run_dir cannot be made: {error.strerror}; choose another"
            ) from None
        with ExitStack() as stack:
            with writing(self._lock):
                stream = stack.enter_context(self._lock.open("w"))
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RunError(
                    f"{self.path}: another nmt train is at work here; wait for it, end "
                    "it, or choose another run_dir"
                ) from None
            except OSError as error:
                raise RunError(
                    f"{self._lock}: cannot be locked: {error.strerror}; usual cause: a "
                    "file system that is mounted without flock, as Lustre often is: "
                    "mount it with it, or choose a run_dir elsewhere"
                ) from None
            yield

    @property
    def _lock(self) -> Path:
        return self.path / "train.lock"


def make_model(
    config: Config, tokenizers: TokenizerPair, seed: int | None
) -> TranslationModel:
    """The model with weights drawn by `seed`, or 0 where that is None.

    Drawing them takes seconds where matrices are large.
    """
    return TranslationModel(
        config.model, tokenizers.source.vocab_size, tokenizers.target.vocab_size, seed
    )


@dataclass(frozen=True)
class OpenRun:
    """A checkpoint of a run, with what is needed to use it."""

    directory: Path
    checkpoint: Path
    config: Config
    tokenizers: TokenizerPair
    state: State

    def model(self) -> TranslationModel:
        """The model with its weights: their moving average, where the run keeps one."""
        model = make_model(self.config, self.tokenizers, None)
        averaged = self.config.training.average != "none"
        file = self.checkpoint / (AVERAGE if averaged else WEIGHTS)
        model.parameters.assign(read_arrays(file, model.parameters.shapes()))
        return model


def open_run(path: Path) -> OpenRun:
    """The best checkpoint of the run directory at `path`, or the checkpoint at `path`.

    Raises: RunError if there is none, or if it is damaged or foreign.
    """
    if path.name in ("best", "last") and path.is_file():
        directory = _directory_above(path)
        path = (directory and RunDirectory(directory).named(path.name)) or path
    if not path.is_dir():
        raise RunError(
            f"{path}: no such directory; expected a run directory or a checkpoint in "
            "one (RUN/checkpoints/step-...); relative paths start at the current "
            "directory"
        )
    run = RunDirectory(path)
    above = None if run.config.exists() else _directory_above(path)
    if above is not None:
        directory, checkpoint = above, path
    else:
        directory = path
        found = run.named("best") or run.named("last")
        if found is None:
            raise RunError(
                f"{path}: holds no checkpoint; expected the run_dir of a training that "
                "got as far as its first checkpoint"
            )
        checkpoint = found
    try:
        config = load_config(directory / "config.yaml")
    except ConfigError as error:
        raise RunError(f"{directory}: not a usable run directory: {error}") from error
    tokenizers = TokenizerPair.load(directory / "tokenizer")
    state = read_state(checkpoint)
    check_tokenizers(directory, tokenizers, state)
    return OpenRun(directory, checkpoint, config, tokenizers, state)


def _first_free(before: str, behind: str = "") -> Path:
    """The first path with a number in between that names nothing yet."""
    paths = (Path(f"{before}{number}{behind}") for number in count(1))
    return next(path for path in paths if not path.exists())


def _directory_above(path: Path) -> Path | None:
    """The run directory whose checkpoints/ `path` is in, as given or behind links."""
    found = None
    for whole in (Path(os.path.abspath(path)), behind_links(path)):
        if whole.parent.name == "checkpoints":
            found = whole.parent.parent
            if RunDirectory(found).config.exists():
                break
    return found


def check_tokenizers(directory: Path, tokenizers: TokenizerPair, state: State) -> None:
    """Nothing, if these are the tokenizers that the state's weights were trained with.

    Raises: RunError if they are not.
    """
    if state.tokenizers and state.tokenizers != tokenizers.checksum:
        raise RunError(
            f"{directory / 'tokenizer'}: not the tokenizer that {state.name} was "
            "trained with, by its checksum (a file of another run, or a damaged one)"
        )
