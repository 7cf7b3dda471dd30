"""All that a run works with, from its configuration and its directory.

Knows nothing of the loop.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from nmt.changes import identity
from nmt.checkpoint import State, writing
from nmt.config import Config, TextPair
from nmt.corpus import OtherTextError, ParallelCorpus
from nmt.distribution import ALONE, Distribution
from nmt.errors import ConfigError, RunError
from nmt.evaluation import require_tokenizer
from nmt.feeding import open_corpus
from nmt.parallel_text import load_pairs, require_files
from nmt.patience import out_of_patience, without_best
from nmt.pretrained import Pretrained
from nmt.recovery import Start
from nmt.run import RunDirectory, check_tokenizers, make_model
from nmt.saving import restore
from nmt.tokenizer import TokenizerPair
from nmt.update import Updater
from nmt.validation import Validation


@dataclass(frozen=True)
class Inputs:
    """What is read before anything is changed or takes long."""

    validation: tuple[list[str], list[str]]  # sources, references
    pretrained: Pretrained | None = None  # where a new run starts, if not at random


@dataclass(frozen=True)
class Opening:
    """What the first update, or the next one, starts from."""

    tokenizers: TokenizerPair
    corpus: ParallelCorpus
    updater: Updater
    validation: Validation
    metric: str  # by which validations are compared: bleu, chrf or loss
    state: State

    def introduction(self) -> str:
        """What is trained on what, for people."""
        return (
            f"{len(self.corpus):,} training pairs; "
            f"{len(self.validation.sources):,} validation pairs; vocabulary "
            f"{self.tokenizers.source.vocab_size:,} and "
            f"{self.tokenizers.target.vocab_size:,}; "
            f"{self.updater.model.parameters.count:,} weights"
        )

    def left_out(self, pairs: Sequence[TextPair]) -> str:
        """How many pairs are not trained on, and why; `pairs` are the files' names."""
        first = self.corpus.first_left_out(pairs)
        return ", ".join(
            f"{number:,} {reason} (first: {first[reason]})"
            for reason, number in self.corpus.left_out.items()
            if number
        )


def load_validation(config: Config) -> tuple[list[str], list[str]]:
    """The validation pairs, once all is there that training and its scores need.

    Raises: NmtError for files of any pair that are missing, for validation that cannot
        be scored, and where the target language's tokenizer is not installed.
    """
    require_tokenizer(config.data.target_language)
    require_files(*config.data.train, config.data.validation)
    return load_pairs(config.data.validation)


def agree(config: Config, distribution: Distribution, start: Start) -> Start:
    """The chief's start, once all workers are there with one configuration.

    Raises: ConfigError if they have several.
    """
    name = start.checkpoint.name if start.checkpoint else None
    own = [asdict(start.state), name, config.model_dump(mode="json")]
    answers = distribution.exchange(own)
    for worker, (*_, other) in enumerate(answers):
        if other != answers[0][2]:
            raise ConfigError(
                f"worker {worker}'s configuration is not the chief's; start all with "
                "the same file and the same --set"
            )
    state, name, _ = answers[0]
    checkpoints = RunDirectory(config.run_dir).checkpoints
    return Start(State(**state), checkpoints / name if name else None)


def open_training(
    config: Config,
    run: RunDirectory,
    start: Start,
    inputs: Inputs,
    machine: dict[str, Any],
    distribution: Distribution = ALONE,
) -> Opening:
    """Makes what is not there yet, and goes back to where the checkpoint was.

    `machine`: what decides the last digits from now on, as `cores.settle` gives it.

    Raises: RunError where tokenizer, text or weights are not those of the run.
    """
    state = start.state
    different_text = RunError(
        f"{run.path}: the workers have different training text; run_dir and "
        "data.train's files have to be the same on all, as on a shared disk"
    )

    pretrained = inputs.pretrained
    given = pretrained.tokenizers if pretrained is not None else None
    taken = pretrained.checksum if pretrained is not None else None
    if len(set(distribution.exchange(taken))) > 1:
        raise RunError(
            f"training.start_from: the workers find different weights in "
            f"{config.training.start_from}; it has to be the same on all, as on a "
            "shared disk, and not to be trained meanwhile"
        )

    def open_text() -> tuple[TokenizerPair, ParallelCorpus]:
        tokenizers = run.take_tokenizers(config, given)
        check_tokenizers(run.path, tokenizers, state)
        try:
            with writing(run.corpus):
                expected = state.corpus if state.step else None
                corpus = open_corpus(config, tokenizers, run.corpus, expected)
                return tokenizers, corpus
        except OtherTextError:
            if not distribution.is_chief:  # whose text is what it was
                raise different_text from None
            raise RunError(
                f"{run.path}: the training text is not what it was at step "
                f"{state.step}: data.train's files have other content; put the old "
                "ones back, or choose another run_dir, or start anew with --restart"
            ) from None

    tokenizers, corpus = distribution.chief_first(open_text)
    if len(set(distribution.exchange(corpus.checksum))) > 1:
        raise different_text
    parts = machine["parts"]
    drawn = start.checkpoint is None and pretrained is None
    # None: what a checkpoint has need not be drawn.
    seed = config.training.seed if drawn else None
    updater = make_updater(config, tokenizers, seed, distribution, parts)
    if pretrained is not None:
        updater.begin(pretrained.weights)
    if start.checkpoint is not None:
        restore(start.checkpoint, state, updater)
        distribution.exchange(None)  # all have read what the chief may write over
    held_out = Validation(
        *inputs.validation,
        config.data.target_language,
        tokenizers,
        updater.average,
        distribution,
    )
    stopping = config.training.early_stopping
    metric = stopping.metric if stopping else "bleu"
    state = replace(
        state,
        identity=identity(config),
        tokenizers=tokenizers.checksum,
        corpus=corpus.checksum,
        machine=machine,
    )
    measure = f"{metric} {held_out.checksum}"
    if state.measure != measure:  # values of another one say nothing here
        state = replace(without_best(state), measure=measure)
    # There may be more patience now.
    state = replace(state, stopped=out_of_patience(state, config.training))
    return Opening(tokenizers, corpus, updater, held_out, metric, state)


def make_updater(
    config: Config,
    tokenizers: TokenizerPair,
    seed: int | None,
    distribution: Distribution = ALONE,
    parts: int = 1,
) -> Updater:
    """A model as `run.make_model` makes it, and what moves it, on each replica.

    Of each batch, `parts` are computed side by side.
    """
    with distribution.scope():
        model = average = make_model(config, tokenizers, seed)
        if config.training.average != "none":
            average = make_model(config, tokenizers, None)
            average.parameters.assign(model.parameters.values())
        return Updater(model, average, config.training, distribution, parts)
