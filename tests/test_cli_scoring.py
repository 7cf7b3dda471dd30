"""`nmt score` and `nmt evaluate`, with a fake translator and runs."""

import json
from pathlib import Path

import pytest
from command_line import Shouting, run
from conftest import ToyRun

from nmt import cli_scoring
from nmt.evaluation import score


def test_score_writes_a_number_for_every_pair(
    shouting: Shouting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli_scoring, "PAIRS_AT_ONCE", 2)
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_text("ab\n\nc\n")
    target.write_text("a\n\nbcd\n")
    call = ["score", "--ckpt", "x", "--source", source, "--target", target]
    result = run(*call)
    assert (result.exit_code, result.stdout) == (0, "1.750000\n0.000000\n0.250000\n")
    target.write_text("a\n\n")
    result = run(*call)
    assert result.exit_code == 1
    assert f"{source} has 3 lines and {target} has 2" in result.stderr


def test_evaluate_prints_the_scores_of_the_translations(
    shouting: Shouting, tmp_path: Path
) -> None:
    from nmt.search_settings import Beam

    source, reference = tmp_path / "source", tmp_path / "reference"
    source.write_text("the dog runs in the park\na cat\n")
    reference.write_text("THE DOG RAN IN THE PARK\nA cat\n")
    other = tmp_path / "other"
    other.write_text("A DOG IS RUNNING IN THE PARK\nA CAT THERE\n")
    call = ["evaluate", "--ckpt", "x", "--source", source, "--reference", reference]
    for options in ([], ["--lowercase"], ["--reference", other]):
        expected = score(
            ["THE DOG RUNS IN THE PARK", "A CAT"],
            reference.read_text().splitlines(),
            *([other.read_text().splitlines()] if other in options else []),
            lowercase="--lowercase" in options,
        )
        record = json.loads(run(*call, "--json", *options).stdout)
        assert list(record) == ["bleu", "chrf", "ter"]
        lines = run(*call, *options).stdout.splitlines()
        for found, line, wanted in zip(record.values(), lines, expected, strict=True):
            assert found == {"score": wanted.value, "signature": wanted.signature}
            assert line.split() == [
                wanted.name,
                f"{wanted.value:.2f}",
                wanted.signature,
            ]
    shouting.beam = Beam(4, 1.5)  # as the run's decoding section has it
    run(*call, "--beam-size", "7", "--length-penalty", "0.6", "--batch-size", "2")
    assert shouting.asked[-1] == (Beam(7, 0.6), {"batch_size": 2})
    for option, wanted in (
        (["--beam-size", "7"], Beam(7, 1.5)),
        (["--length-penalty", "0"], Beam(4, 0.0)),
    ):
        run(*call, *option)
        assert shouting.asked[-1][0] == wanted
    assert shouting.asked[0][0] == shouting.search


def test_evaluate_refuses_files_of_different_lengths(tmp_path: Path) -> None:
    source, reference = tmp_path / "source", tmp_path / "reference"
    source.write_text("a\nb\n")
    reference.write_text("a\n")
    result = run(
        *["evaluate", "--ckpt", "x", "--source", source, "--reference", reference]
    )
    assert result.exit_code == 1
    assert f"{source} has 2 lines and {reference} has 1" in result.stderr
    assert "Traceback" not in result.output


def test_runs_of_other_tokenizers_do_not_translate_together(
    untrained: Path, toy_run: ToyRun
) -> None:
    pairs = ["--source", __file__, "--target", __file__]
    for command in (["translate"], ["score", *pairs]):
        result = run(*command, "--ckpt", untrained, "--ckpt", toy_run.path)
        assert (result.exit_code, result.stdout) == (1, "")
        assert str(untrained) in result.stderr and str(toy_run.path) in result.stderr
        assert "tokenizer" in result.stderr
