"""Training text as a configuration has it: the corpus, an epoch's plan, its batches.

Knows nothing of models.
"""

from collections.abc import Iterator
from pathlib import Path

from nmt.batches import Batch, Plan, plan_epoch, serve
from nmt.config import Config
from nmt.corpus import ParallelCorpus, encode_corpus
from nmt.tokenizer import TokenizerPair


def open_corpus(
    config: Config,
    tokenizers: TokenizerPair,
    directory: Path,
    expected: str | None = None,
) -> ParallelCorpus:
    """The training pairs, as `corpus.encode_corpus` has them."""
    return encode_corpus(
        config.data.train,
        tokenizers,
        max_length=config.data.max_length,
        directory=directory,
        keep_text=config.tokenizer.sampling > 0,
        expected=expected,
    )


def make_plan(config: Config, corpus: ParallelCorpus, epoch: int) -> Plan:
    """The batches of an epoch (from 0), as `batches.plan_epoch` has them."""
    return plan_epoch(
        corpus.source_lengths,
        corpus.target_lengths,
        seed=config.training.seed,
        epoch=epoch,
        batch_size=config.training.batch_size,
        batch_tokens=config.training.batch_tokens,
    )


def make_stream(
    config: Config,
    corpus: ParallelCorpus,
    tokenizers: TokenizerPair,
    plan: Plan,
    epoch: int,
    first: int = 0,
) -> Iterator[Batch]:
    """The batches plan[first:] of an epoch (from 0), as `batches.serve` has them."""
    return serve(
        corpus,
        plan,
        sampling=config.tokenizer.sampling,
        tokenizers=tokenizers,
        seed=config.training.seed,
        epoch=epoch,
        first=first,
    )
