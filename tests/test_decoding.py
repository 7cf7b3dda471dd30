from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from nmt.batches import pack
from nmt.config import ModelConfig
from nmt.decoding import Hypothesis, SearchOptions, decode, longest_output
from nmt.model import TranslationModel
from nmt.tokenizer import BOS, EOS, PAD, UNK

VOCABULARY = 12
GREEDY = SearchOptions(method="greedy")
BEAM = SearchOptions(beam_size=4, length_penalty=0.6, nbest=4)

either_search = pytest.mark.parametrize(
    "options", [GREEDY, BEAM], ids=lambda o: o.method
)


def sources(lengths: Sequence[int]) -> list[list[int]]:
    random = np.random.default_rng(1)
    return [random.integers(4, VOCABULARY, length).tolist() for length in lengths]


# Neither sorted nor of one length; 21 is far longer than its neighbours.
SOURCES = sources([5, 2, 9, 21, 1, 4, 4, 7, 3, 12, 6, 2, 1, 8])


@pytest.fixture(scope="module")
def model() -> TranslationModel:
    """Random weights so large that translations differ and some of them end."""
    config = ModelConfig(embedding_size=5, encoder_size=4, decoder_size=6)
    model = TranslationModel(config, VOCABULARY, VOCABULARY, seed=3)
    weights = model.parameters.values()
    model.parameters.assign({name: 3 * value for name, value in weights.items()})
    return model


def ids(found: Sequence[Sequence[Hypothesis]]) -> list[list[list[int]]]:
    return [[hypothesis.ids for hypothesis in hypotheses] for hypotheses in found]


@either_search
@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test_each_source_in_order_gets_what_it_gets_alone(
    model: TranslationModel, options: SearchOptions, batch_size: int
) -> None:
    found = decode(model, SOURCES, options, batch_size)
    alone = [decode(model, [source], options)[0] for source in SOURCES]
    assert ids(found) == ids(alone)
    for one, other in zip(found, alone, strict=True):
        log_probs = [hypothesis.log_prob for hypothesis in other]
        assert [x.log_prob for x in one] == pytest.approx(log_probs, abs=1e-4)
    # Otherwise the order would not show.
    assert len({tuple(best.ids) for best, *_ in found}) > len(SOURCES) / 2


def test_a_long_neighbour_changes_nothing(model: TranslationModel) -> None:
    short, long = sources([3, 60])
    for options in (GREEDY, BEAM):
        alone, beside = (decode(model, x, options)[0] for x in ([short], [short, long]))
        assert ids([alone]) == ids([beside])
        assert alone[0].finished == beside[0].finished


@either_search
def test_a_log_prob_is_that_of_the_model_with_the_target_known(
    model: TranslationModel, options: SearchOptions
) -> None:
    found = decode(model, SOURCES, options)
    pairs = [
        (source, hypothesis)
        for source, hypotheses in zip(SOURCES, found, strict=True)
        for hypothesis in hypotheses
    ]
    batch = pack([source for source, _ in pairs], [said.ids for _, said in pairs])
    logits = model.logits(model.readouts(batch.source, batch.target_in))  # [T, B, V]
    log_probs = tf.transpose(tf.nn.log_softmax(logits), [1, 0, 2])
    each = tf.gather(log_probs, batch.target_out, batch_dims=2)
    totals = tf.reduce_sum(tf.where(batch.target_out == PAD, 0.0, each), 1).numpy()
    for total, (_, said) in zip(totals, pairs, strict=True):
        assert said.log_prob == pytest.approx(total, abs=1e-4)
        penalty = options.length_penalty if options is BEAM else 0.0
        score = said.log_prob / (len(said.ids) + 1) ** penalty
        assert said.score == pytest.approx(score, abs=1e-5)


@either_search
def test_only_what_is_cut_at_its_longest_is_unfinished(
    model: TranslationModel, options: SearchOptions
) -> None:
    found = decode(model, SOURCES, options)
    for source, hypotheses in zip(SOURCES, found, strict=True):
        for hypothesis in hypotheses:
            longest = longest_output(len(source))
            assert len(hypothesis.ids) <= longest
            assert hypothesis.finished == (len(hypothesis.ids) < longest)
            assert not {PAD, UNK, BOS, EOS} & set(hypothesis.ids)
    every = [hypothesis.finished for hypotheses in found for hypothesis in hypotheses]
    assert {True, False} == set(every)


@either_search
def test_lengths_stay_between_the_two_that_are_asked_for(
    model: TranslationModel, options: SearchOptions
) -> None:
    for shortest, longest in ((0, 1), (3, 3), (3, 6)):
        limited = replace(options, min_length=shortest, max_length=longest)
        for hypothesis in sum(decode(model, SOURCES, limited), []):
            assert shortest <= len(hypothesis.ids) <= longest
            assert hypothesis.finished == (len(hypothesis.ids) < longest)


def test_a_min_length_beyond_the_default_longest_output_is_kept(
    model: TranslationModel,
) -> None:
    (source,) = sources([1])
    shortest = longest_output(len(source)) + 5
    ((best,),) = decode(model, [source], replace(GREEDY, min_length=shortest))
    assert len(best.ids) == shortest


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


def test_nothing_to_decode_is_nothing(model: TranslationModel) -> None:
    assert decode(model, [], BEAM) == []


@pytest.mark.parametrize(
    ("named", "options"),
    [
        ("nbest 4", {"beam_size": 3, "nbest": 4}),
        ("nbest 1", {"beam_size": 0}),
        ("nbest 0", {"nbest": 0}),
        ("nbest 2", {"method": "greedy", "nbest": 2}),
        ("max_length 4", {"min_length": 5, "max_length": 4}),
        ("max_length 0", {"max_length": 0}),
    ],
)
def test_options_that_cannot_be_met_are_refused(
    named: str, options: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=f"^{named} is "):
        SearchOptions(**options)
