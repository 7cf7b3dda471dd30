"""Validation: the loss is a mean over tokens, and the scores are of translations."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import Toy, ToyRun

from nmt.batches import pack
from nmt.checkpoint import State
from nmt.config import TrainingConfig
from nmt.decoding import decode
from nmt.evaluation import QuickScores, Score, quick
from nmt.loss import batch_loss
from nmt.model import TranslationModel
from nmt.parallel_text import load_pairs
from nmt.patience import after_validation
from nmt.run import OpenRun, open_run
from nmt.search_settings import Greedy
from nmt.tokenizer import EOS
from nmt.validation import Validation, ValidationResult


def of_run(run: OpenRun, model: TranslationModel) -> Validation:
    data = run.config.data
    pairs = load_pairs(data.validation)
    return Validation(*pairs, data.target_language, run.tokenizers, model)


def test_validation_is_the_mean_loss_of_tokens_and_the_scores_of_greedy_translations(
    toy: Toy, toy_run: ToyRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = open_run(toy_run.path)
    model, tokenizers = run.model(), run.tokenizers
    # Several batches of unequal lengths, the last of them not full.
    monkeypatch.setattr("nmt.validation.BATCH_SIZE", 17)
    result = of_run(run, model).run()

    sources, references = toy.lines("validation.source"), toy.lines("validation.target")
    source_ids = tokenizers.source.encode(sources)
    target_ids = tokenizers.target.encode(references)
    # All sentences at once, and the definition of the mean.
    sums = batch_loss(model, pack(source_ids, target_ids), 0.0)
    tokens = sum(len(ids) + 1 for ids in target_ids)
    np.testing.assert_allclose(result.loss, float(sums.plain) / tokens, rtol=1e-5)
    assert result.perplexity == math.exp(result.loss)
    found = decode(model, source_ids, Greedy())
    translations = tokenizers.target.decode([best.ids for best, *_ in found])
    assert result.translations == translations
    assert result.scores == quick(translations, references)


def test_a_line_as_long_as_a_book_shares_its_batch_with_few(
    toy: Toy, toy_run: ToyRun
) -> None:
    run = open_run(toy_run.path)
    sources, references = toy.lines("validation.source"), toy.lines("validation.target")
    sources = [*sources, " ".join(sources * 20)]
    references = [*references, references[0]]
    validation = Validation(sources, references, None, run.tokenizers, run.model())
    ends = 0
    for source, target_in, target_out in validation.batches:
        longest = max(source.shape[1], target_in.shape[1])
        assert len(source) == 1 or len(source) * longest <= 64 * 128
        ends += int((np.asarray(target_out) == EOS).sum())
    assert ends == len(references)
    assert math.isfinite(validation.run().loss)


def test_validation_again_says_the_same_and_the_checkpoint_what_was_recorded(
    toy_run: ToyRun,
) -> None:
    run = open_run(toy_run.path)
    validation = of_run(run, run.model())
    result = validation.run()
    assert validation.run() == result
    # The weights that were saved are those that were validated in training.
    assert result.value("bleu") == run.state.best
    file = Path(run.directory / "validation" / f"{run.state.name}.txt")
    assert file.read_text("utf-8").splitlines() == result.translations


@pytest.mark.parametrize("metric", ["bleu", "chrf", "loss"])
def test_a_higher_value_of_any_metric_is_better(metric: str) -> None:
    worse, better = (
        ValidationResult(
            loss, QuickScores(Score("BLEU", score, ""), Score("chrF2", score, "")), []
        ).value(metric)
        for loss, score in ((2.0, 10.0), (1.0, 20.0))
    )
    assert worse < better


def test_the_perplexity_of_any_loss_is_a_number() -> None:
    score = Score("BLEU", 0.0, "")
    result = ValidationResult(1e6, QuickScores(score, score), [])
    assert math.isfinite(result.perplexity)


def test_equal_bleu_is_told_apart_by_chrf_and_no_more() -> None:
    def value(bleu: float, chrf: float) -> float:
        scores = QuickScores(Score("BLEU", bleu, ""), Score("chrF2", chrf, ""))
        return ValidationResult(1.0, scores, []).value("bleu")

    assert value(0.0, 10.0) < value(0.0, 11.0) < value(0.01, 0.0)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_never_the_best(value: float) -> None:
    training = TrainingConfig()
    state = after_validation(State(step=1), value, training)
    assert (state.best, state.since_best) == (None, 1)
    state = after_validation(replace(state, step=2), -3.0, training)
    assert (state.best, state.best_step, state.since_best) == (-3.0, 2, 0)
    state = after_validation(replace(state, step=3), value, training)
    assert (state.best, state.best_step, state.since_best) == (-3.0, 2, 1)
