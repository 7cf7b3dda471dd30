"""What is said of figures: each of them once, in its unit."""

from dataclasses import replace
from pathlib import Path

import pytest
from conftest import Toy
from training_runs import Script, nmt_train

from nmt.checkpoint import State
from nmt.evaluation import QuickScores, Score
from nmt.telling import (
    beside_the_bar,
    line_of_updates,
    line_of_validation,
    lines_of_examples,
)
from nmt.validation import ValidationResult

FIGURES = {"loss": 4.21049, "target_tokens_per_second": 12345.6, "data_wait": 0.0349}


def test_the_text_beside_the_bar_leaves_room_for_it_in_80_columns() -> None:
    assert beside_the_bar(FIGURES, None) == "loss 4.210, 12,346 tokens/s, wait 3%"
    text = beside_the_bar(FIGURES, 3 * 3600 + 62.9)
    assert text == "loss 4.210, 12,346 tokens/s, wait 3%, 3:01:02 left"
    assert len(f"epoch 10/10 100%|| {text}") < 80 - 5


def test_a_line_of_updates_says_where_and_how_fast() -> None:
    state = State(step=950, epoch=2, batch=40)
    assert line_of_updates(state, FIGURES, 75) == (
        "epoch 3 step 950: loss 4.210, 12,346 target tokens/s, waiting 3.5%, 01:15 left"
    )


@pytest.mark.parametrize(
    ("metric", "best", "said"),
    [
        ("bleu", 12.345, "(best: BLEU 12.35, step 100)"),
        ("chrf", 40.0, "(best: chrF 40.00, step 100)"),
        ("loss", -1.5, "(best: loss 1.500, step 100)"),
    ],
)
def test_a_validation_names_the_best_so_far(
    metric: str, best: float, said: str
) -> None:
    result = ValidationResult(
        2.0, QuickScores(Score("BLEU", 10.0, ""), Score("chrF2", 30.0, "")), []
    )
    scores = "BLEU 10.00, chrF 30.00, loss 2.000, perplexity 7.39"
    state = State(step=200, epoch=2, best=best, best_step=100)
    line = line_of_validation(result, state, metric)
    assert line == f"validation after epoch 2, step 200: {scores} {said}"
    line = line_of_validation(result, replace(state, batch=7), metric)
    assert line == f"validation in epoch 3, step 200: {scores} {said}"
    state = State(step=100, epoch=1, best=best, best_step=100)
    assert line_of_validation(result, state, metric).endswith(f"{scores} (best)")


def test_examples_stand_below_each_other_without_what_moves_a_cursor() -> None:
    lines = lines_of_examples([("a\tb", "\x1b[2Jc\u2028d", "e\r\x00")])
    box = "\N{WHITE SQUARE}"
    assert lines == [
        "  source       a b",
        f"  reference    {box}[2Jc{box}d",
        f"  translation  e{box}{box}",
    ]


def test_pairs_that_are_left_out_are_told_to_those_who_want_warnings_only(
    toy: Toy, config: Path, tmp_path: Path, no_work: Script
) -> None:
    no_work([1])
    files = [tmp_path / "few.source", tmp_path / "few.target"]
    for file in files:
        file.write_bytes((toy.directory / file.name).read_bytes() + b"ba\n\n\xff\n")
    lines = files[0].read_text(errors="replace").count("\n")
    paths = f"--set=data.train={{source: {files[0]}, target: {files[1]}}}"
    result = nmt_train(config, paths, "--set=training.epochs=1", "--quiet")
    left_out, last = result.stderr.splitlines()
    assert left_out == (
        f"left out of the training pairs: 1 empty (first: {files[0]}:{lines - 1}), "
        f"1 not UTF-8 (first: {files[0]}:{lines})"
    )
    assert last.startswith("ended in epoch 1")
