import gc
import sys
import time
import weakref
from itertools import islice, pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nmt.batches import (
    Batch,
    fewer_if_long,
    longest_first,
    pack,
    plan_epoch,
    serve,
)
from nmt.config import TextPair, TokenizerConfig
from nmt.corpus import ParallelCorpus, encode_corpus
from nmt.tokenizer import BOS, EOS, PAD, TokenizerPair, train_tokenizers

ids = st.lists(st.integers(4, 9), max_size=6)


def skewed_lengths(pairs: int) -> tuple[np.ndarray, np.ndarray]:
    """Lengths as in real text: many short, few long, sides alike but not equal."""
    random = np.random.default_rng(0)
    source = random.lognormal(3, 0.6, pairs).astype(np.int32) + 1
    target = np.maximum(1, source * random.normal(1, 0.2, pairs)).astype(np.int32)
    return source, target


@given(st.lists(st.tuples(ids, ids), min_size=1, max_size=5))
def test_a_batch_is_its_pairs_with_end_and_padding(
    pairs: list[tuple[list[int], list[int]]],
) -> None:
    batch = pack([source for source, _ in pairs], [target for _, target in pairs])
    for row, (source, target) in enumerate(pairs):
        for matrix, tokens in (
            (batch.source, [*source, EOS]),
            (batch.target_in, [BOS, *target]),
            (batch.target_out, [*target, EOS]),
        ):
            assert matrix.dtype == np.int32
            padding = [PAD] * (matrix.shape[1] - len(tokens))
            assert matrix[row].tolist() == tokens + padding
    assert (batch.source[:, -1] != PAD).any() and (batch.target_out[:, -1] != PAD).any()


def test_what_is_read_next_is_what_was_to_be_said() -> None:
    batch = pack([[4], [5, 6]], [[7, 8, 9], [4]])
    said, read = batch.target_out[:, :-1], batch.target_in[:, 1:]
    assert (said[read != PAD] == read[read != PAD]).all()
    assert np.array_equal(read != PAD, batch.target_out[:, 1:] != PAD)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40)), min_size=1),
    st.sampled_from([{"batch_size": 7}, {"batch_tokens": 30}]),
)
def test_an_epoch_has_every_pair_once_within_the_budget(
    lengths: list[tuple[int, int]], size: dict[str, int]
) -> None:
    source, target = np.array(lengths, np.int32).T
    plan = plan_epoch(source, target, seed=1, epoch=2, **size)
    assert sorted(np.concatenate(plan)) == list(range(len(lengths)))
    for indices in plan:
        if "batch_size" in size:
            assert len(indices) <= 7
        elif len(indices) > 1:
            assert len(indices) * (target[indices].max() + 1) <= 30


def test_a_plan_is_a_function_of_seed_and_epoch() -> None:
    lengths = skewed_lengths(500)

    def plan(seed: int, epoch: int) -> list[list[int]]:
        made = plan_epoch(*lengths, seed=seed, epoch=epoch, batch_size=16)
        return [indices.tolist() for indices in made]

    assert plan(1, 2) == plan(1, 2)
    different = [plan(1, 2), plan(1, 3), plan(2, 2), plan(2, 1)]
    assert all(a != b for i, a in enumerate(different) for b in different[:i])
    assert {frozenset(batch) for batch in plan(1, 2)} != {
        frozenset(batch) for batch in plan(1, 3)
    }


@pytest.mark.parametrize("size", [{"batch_size": 64}, {"batch_tokens": 4096}])
def test_little_is_padding_and_batches_are_full(size: dict[str, int]) -> None:
    source, target = skewed_lengths(20_000)
    plan = plan_epoch(source, target, seed=1, epoch=1, **size)
    positions = sum(len(rows) * (target[rows].max() + 1) for rows in plan)
    tokens = int((target + 1).sum())
    assert 1 - tokens / positions < 0.08
    if "batch_tokens" in size:
        assert positions / len(plan) > 0.9 * 4096


def test_a_million_pairs_are_planned_fast() -> None:
    lengths = skewed_lengths(1_000_000)
    start = time.process_time()
    plan_epoch(*lengths, seed=1, epoch=1, batch_tokens=4096)
    # A tenth of this on one core; a Python loop over the pairs would take more.
    assert time.process_time() - start < 1.5


def test_batches_come_in_no_order_of_their_lengths() -> None:
    source, target = skewed_lengths(2000)
    plan = plan_epoch(source, target, seed=1, epoch=0, batch_size=50)
    longest = np.array([target[batch].max() for batch in plan])
    ascents = (np.diff(longest) > 0).mean()
    assert 0.3 < ascents < 0.7


@given(st.lists(st.integers(1, 500), max_size=60), st.integers(1, 8))
def test_sentences_of_about_equal_lengths_go_together_the_longest_first(
    lengths: list[int], size: int
) -> None:
    batches = list(longest_first(lengths, lambda longest: fewer_if_long(size, longest)))
    places = [place for batch in batches for place in batch]
    assert sorted(places) == list(range(len(lengths)))
    sizes = [[lengths[place] for place in batch] for batch in batches]
    for batch, following in pairwise(sizes):
        assert min(batch) >= max(following)
    for batch in sizes:
        most = max(1, min(size, size * 128 // max(batch)))
        assert len(batch) == most or (len(batch) < most and batch is sizes[-1])


def test_a_plan_takes_no_python_for_each_pair() -> None:
    lengths = skewed_lengths(100_000)
    lines = 0

    def count(*_: Any) -> Any:
        nonlocal lines
        lines += 1
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        plan = plan_epoch(*lengths, seed=1, epoch=1, batch_tokens=4096)
    finally:
        sys.settrace(before)
    assert len(plan) > 500 and lines < 100_000 / 2


@pytest.fixture(scope="module")
def encoded(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[ParallelCorpus, TokenizerPair]:
    directory = tmp_path_factory.mktemp("batches")
    pair = TextPair(source=directory / "text.en", target=directory / "text.de")
    pair.source.write_text("".join(f"old house {i * 7}\n" for i in range(60)))
    pair.target.write_text("".join(f"altes Haus {i}\n" for i in range(60)))
    tokenizers = train_tokenizers(TokenizerConfig(vocab_size=300), [pair])
    corpus = encode_corpus(
        [pair],
        tokenizers,
        max_length=50,
        directory=directory / "corpus",
        keep_text=True,
    )
    return corpus, tokenizers


@pytest.mark.parametrize("sampling", [0.0, 0.5])
def test_serving_from_the_middle_is_the_tail_of_serving_all(
    encoded: tuple[ParallelCorpus, TokenizerPair], sampling: float
) -> None:
    corpus, tokenizers = encoded
    plan = plan_epoch(
        corpus.source_lengths, corpus.target_lengths, seed=1, epoch=0, batch_size=8
    )

    def served(first: int, epoch: int = 0) -> list[Batch]:
        batches = serve(
            corpus,
            plan,
            sampling=sampling,
            tokenizers=tokenizers,
            seed=1,
            epoch=epoch,
            first=first,
        )
        return [Batch(*map(np.asarray, batch)) for batch in batches]

    every = served(0)
    tail = served(3)
    assert len(every) == len(plan) and len(tail) == len(plan) - 3
    for one, other in zip(every[3:], tail, strict=True):
        assert all(map(np.array_equal, one, other))
    for indices, batch in zip(plan, every, strict=True):
        plain = pack(corpus.source(indices), corpus.target(indices))
        assert all(map(np.array_equal, plain, batch)) == (sampling == 0)
        for side, matrix in (("source", batch.source), ("target", batch.target_out)):
            rows = [row[row != PAD].tolist() for row in matrix]
            assert tokenizers.source.decode(rows) == corpus.texts(side, indices)
    for one, other in zip(every, served(0, epoch=1), strict=True):
        assert all(map(np.array_equal, one, other)) == (sampling == 0)


def test_each_batch_side_and_seed_samples_on_its_own(
    encoded: tuple[ParallelCorpus, TokenizerPair],
) -> None:
    corpus, tokenizers = encoded
    same = [np.arange(20)] * 2

    def served(seed: int) -> list[bytes]:
        stream = serve(
            corpus, same, sampling=0.5, tokenizers=tokenizers, seed=seed, epoch=0
        )
        return [np.asarray(batch.source).tobytes() for batch in stream]

    found = [*served(1), *served(2)]
    assert len(set(found)) == len(found) == 4


@pytest.mark.parametrize("taken", [1, 6])
def test_an_epoch_that_is_over_is_let_go(
    encoded: tuple[ParallelCorpus, TokenizerPair], taken: int
) -> None:
    """Or a run would keep the plan of every epoch: of 10 million pairs 108 MB each."""
    corpus, tokenizers = encoded
    order = np.arange(60)
    stream = serve(
        corpus,
        np.split(order, 6),
        sampling=0.0,
        tokenizers=tokenizers,
        seed=1,
        epoch=0,
    )
    assert len(list(islice(stream, taken))) == taken
    plan = weakref.ref(order)
    del stream, order
    gc.collect()
    assert plan() is None
