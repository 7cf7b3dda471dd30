import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tiny_models import random_sentences, tiny_model

from nmt import decoding, scoring
from nmt.decoding import Hypothesis, decode
from nmt.model import TranslationModel
from nmt.search_settings import Beam, Greedy, Sample, Search, longest_output
from nmt.threads import threads
from nmt.tokenizer import BOS, EOS, PAD, UNK

GREEDY = Greedy()
BEAM = Beam(beam_size=4, length_penalty=0.6, nbest=4)
SAMPLE = Sample(samples=3, temperature=0.8, top_p=0.95)

any_search = pytest.mark.parametrize(
    "search", [GREEDY, BEAM, SAMPLE], ids=["greedy", "beam", "sample"]
)

# Neither sorted nor of one length; 21 is far longer than its neighbours.
SOURCES = random_sentences(1, [5, 2, 9, 21, 1, 4, 4, 7, 3, 12, 6, 2, 1, 8])

# Beyond the longest output of the shortest source.
SHORTEST = longest_output(1) + 1


@pytest.fixture(scope="module")
def model() -> TranslationModel:
    """Its translations differ, and some of them end."""
    return tiny_model(3)


def ids(found: Sequence[Sequence[Hypothesis]]) -> list[list[list[int]]]:
    return [[hypothesis.ids for hypothesis in hypotheses] for hypotheses in found]


def assert_equal(
    found: Sequence[Sequence[Hypothesis]], expected: Sequence[Sequence[Hypothesis]]
) -> None:
    assert ids(found) == ids(expected)
    for one, other in zip(found, expected, strict=True):
        log_probs = [hypothesis.log_prob for hypothesis in other]
        assert [x.log_prob for x in one] == pytest.approx(log_probs, abs=1e-4)


@any_search
def test_each_source_in_any_order_and_batch_gets_what_it_gets_alone(
    model: TranslationModel, search: Search
) -> None:
    alone = [decode(model, [source], search)[0] for source in SOURCES]
    for batch_size in (1, 3, 64):
        assert_equal(decode(model, SOURCES, search, batch_size), alone)
    assert_equal(decode(model, SOURCES[::-1], search), alone[::-1])
    # Otherwise the order would not show.
    assert len({tuple(best.ids) for best, *_ in alone}) > len(SOURCES) / 2


def test_a_long_neighbour_changes_nothing(model: TranslationModel) -> None:
    short, long = random_sentences(2, [3, 60])
    for search in (GREEDY, BEAM, SAMPLE):
        alone, beside = (decode(model, x, search)[0] for x in ([short], [short, long]))
        assert_equal([beside], [alone])
        assert [x.finished for x in beside] == [x.finished for x in alone]


@any_search
def test_a_log_prob_is_that_of_the_model_with_the_target_known(
    model: TranslationModel, search: Search
) -> None:
    penalty = search.length_penalty if isinstance(search, Beam) else 0.0
    found = decode(model, SOURCES, search)
    for source, hypotheses in zip(SOURCES, found, strict=True):
        targets = [said.ids for said in hypotheses]
        log_probs = scoring.score(model, [source] * len(targets), targets)
        assert [said.log_prob for said in hypotheses] == pytest.approx(
            log_probs, abs=1e-4
        )
        for said in hypotheses:
            score = said.log_prob / (len(said.ids) + 1) ** penalty
            assert said.score == pytest.approx(score, abs=1e-5)


@any_search
def test_only_what_is_cut_at_its_longest_is_unfinished(
    model: TranslationModel, search: Search
) -> None:
    found = decode(model, SOURCES, search)
    for source, hypotheses in zip(SOURCES, found, strict=True):
        for hypothesis in hypotheses:
            longest = longest_output(len(source))
            assert len(hypothesis.ids) <= longest
            assert hypothesis.finished == (len(hypothesis.ids) < longest)
            assert not {PAD, UNK, BOS, EOS} & set(hypothesis.ids)
    every = [hypothesis.finished for hypotheses in found for hypothesis in hypotheses]
    assert {True, False} == set(every)


@any_search
def test_lengths_stay_between_the_two_that_are_asked_for(
    model: TranslationModel, search: Search
) -> None:
    for shortest, longest in ((0, 1), (SHORTEST, SHORTEST), (SHORTEST, 16)):
        limited = replace(search, min_length=shortest, max_length=longest)
        for hypothesis in sum(decode(model, SOURCES, limited), []):
            assert shortest <= len(hypothesis.ids) <= longest
            assert hypothesis.finished == (len(hypothesis.ids) < longest)


def test_a_min_length_beyond_the_default_longest_output_is_kept(
    model: TranslationModel,
) -> None:
    ((best,),) = decode(model, [[7]], replace(GREEDY, min_length=SHORTEST))
    assert len(best.ids) == SHORTEST


def test_nbest_are_the_first_of_all_and_best_comes_first(
    model: TranslationModel,
) -> None:
    every = decode(model, SOURCES, BEAM)
    for hypotheses in every:
        scores = [hypothesis.score for hypothesis in hypotheses]
        assert scores == sorted(scores, reverse=True)
        assert len({tuple(hypothesis.ids) for hypothesis in hypotheses}) == 4
    for nbest in (1, 2):
        fewer = decode(model, SOURCES, replace(BEAM, nbest=nbest))
        assert fewer == [hypotheses[:nbest] for hypotheses in every]


def test_samples_are_the_same_however_many_there_are_and_best_comes_first(
    model: TranslationModel,
) -> None:
    three = decode(model, SOURCES, SAMPLE)
    for found, more in zip(
        three, decode(model, SOURCES, replace(SAMPLE, samples=9)), strict=True
    ):
        ranks = [hypothesis.score for hypothesis in more]
        assert ranks == sorted(ranks, reverse=True)
        assert {tuple(x.ids) for x in found} <= {tuple(x.ids) for x in more}


def test_another_seed_draws_others_and_the_same_seed_the_same(
    model: TranslationModel,
) -> None:
    other = replace(SAMPLE, seed=2)
    found = decode(model, SOURCES, SAMPLE)
    assert decode(model, SOURCES, SAMPLE) == found
    assert ids(decode(model, SOURCES, other)) != ids(found)


@any_search
def test_hypotheses_begin_with_the_prefix_and_their_log_prob_counts_it(
    model: TranslationModel, search: Search
) -> None:
    # The last is longer than the longest output; not all sources have one.
    prefixes = random_sentences(3, [0, 1, 3, 0, longest_output(1) + 2])
    some = SOURCES[:5]
    free = decode(model, some, search)
    begun = decode(model, some, search, prefixes=prefixes)
    for source, prefix, hypotheses in zip(some, prefixes, begun, strict=True):
        targets = [said.ids for said in hypotheses]
        assert all(target[: len(prefix)] == prefix for target in targets)
        log_probs = scoring.score(model, [source] * len(targets), targets)
        assert [said.log_prob for said in hypotheses] == pytest.approx(
            log_probs, abs=1e-4
        )
    assert_equal([begun[0], begun[3]], [free[0], free[3]])
    assert targets[0] == prefixes[-1]  # which leaves no room
    batches_of_one = decode(model, some, search, batch_size=1, prefixes=prefixes)
    assert_equal(batches_of_one, begun)


@any_search
def test_one_graph_serves_all_shapes_lengths_counts_seeds_and_prefixes(
    model: TranslationModel, search: Search
) -> None:
    graph = decoding.search_graph(model, decoding._without_limits(search))
    graphs = decoding.search_graph.cache_info().misses
    changes: list[dict[str, Any]] = [{}, {"max_length": 3}]
    changes += [{"nbest": 1}] if isinstance(search, Beam) else []
    changes += [{"seed": 9}] if isinstance(search, Sample) else []
    for change in changes:
        for some in (SOURCES, SOURCES[:1], SOURCES[1:4]):
            prefixes = [source[:1] for source in some]
            decode(model, some, replace(search, **change), prefixes=prefixes)
    assert decoding.search_graph.cache_info().misses == graphs
    assert graph.experimental_get_tracing_count() == 1


def test_nothing_to_decode_is_nothing(model: TranslationModel) -> None:
    assert decode(model, [], BEAM) == []


@pytest.mark.parametrize(
    ("named", "kind", "options"),
    [
        ("nbest 4", Beam, {"beam_size": 3, "nbest": 4}),
        ("beam_size 0", Beam, {"beam_size": 0}),
        ("nbest 0", Beam, {"nbest": 0}),
        ("length_penalty -1", Beam, {"length_penalty": -1}),
        ("coverage_penalty nan", Beam, {"coverage_penalty": float("nan")}),
        ("no_repeat_ngram -1", Beam, {"no_repeat_ngram": -1}),
        ("max_length 4", Greedy, {"min_length": 5, "max_length": 4}),
        ("max_length 0", Sample, {"max_length": 0}),
        ("samples 0", Sample, {"samples": 0}),
        ("temperature 0", Sample, {"temperature": 0}),
        ("temperature inf", Sample, {"temperature": float("inf")}),
        ("top_k -1", Sample, {"top_k": -1}),
        ("top_p 0", Sample, {"top_p": 0}),
        ("top_p 1.5", Sample, {"top_p": 1.5}),
    ],
)
def test_options_that_cannot_be_met_are_refused(
    named: str, kind: Any, options: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=f"^{named} is "):
        kind(**options)


def test_no_thread_is_started_where_a_signal_would_break_its_start() -> None:
    starters = []

    class Watched(threading.Thread):
        def start(self) -> None:
            starters.append((self.name, threading.current_thread()))
            super().start()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threading, "Thread", Watched)
        pool = threads.__wrapped__(3)
        assert list(pool.map(abs, [-1, 2, -3, 4])) == [1, 2, 3, 4]
        pool.shutdown()
    of_pool = [starter for name, starter in starters if "ThreadPool" in name]
    assert len(of_pool) == 3 and threading.main_thread() not in of_pool


def test_a_thread_that_cannot_be_started_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    start, started = threading.Thread.start, []

    def limited(self: threading.Thread) -> None:
        if "ThreadPool" in self.name:
            if len(started) == 2:
                raise RuntimeError("can't start new thread")
            started.append(self)
        start(self)

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", limited)
        pool = threads.__wrapped__(4)
        with pytest.raises(RuntimeError, match="can't start"):
            for _ in range(4):
                pool.submit(threading.Event().wait, 1)
    assert pool.submit(abs, -1).result(timeout=60) == 1
    pool.shutdown()


def test_each_sentence_and_each_sample_has_draws_of_its_own() -> None:
    draws = decoding._draws(Sample(samples=3), [[4, 5], [5, 4], [4, 5]], 50)
    np.testing.assert_array_equal(draws[0], draws[2])
    distinct = {row.tobytes() for rows in draws for row in rows}
    assert len(distinct) == 6
