"""From text to translations by the commands a user types: a toy task is learned."""

import json
import random
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import WORDS, Toy, ToyRun

from nmt import cli

pytestmark = pytest.mark.usefixtures("opened_once")


@pytest.fixture(scope="module")
def run(toy_run: ToyRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trained run, moved to another place."""
    return shutil.copytree(toy_run.path, tmp_path_factory.mktemp("elsewhere") / "run")


def nmt(*arguments: str | Path, input: str | bytes | None = None) -> str:
    result = CliRunner().invoke(cli.main, list(map(str, arguments)), input=input)
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    return result.stdout


@pytest.mark.parametrize("search", [["greedy"], ["beam", "--beam-size", "3"], []])
def test_a_trained_model_has_learned_the_task(search: list[str], run: Path) -> None:
    choice = random.Random(2)
    sentences = [choice.choices(WORDS, k=choice.randint(2, 6)) for _ in range(200)]
    text = "".join(" ".join(words) + "\n" for words in sentences)
    output = nmt("translate", "--ckpt", run, *search, input=text).split("\n")
    expected = [" ".join(reversed(words)) for words in sentences] + [""]
    assert len(output) == len(expected)
    right = sum(map(str.__eq__, output, expected))
    assert right > 0.9 * len(expected)


def test_as_many_lines_come_out_as_go_in_and_in_order(run: Path) -> None:
    choice = random.Random(3)
    lines = [f"{choice.choice(WORDS)} {choice.choice(WORDS)}" for _ in range(1000)]
    plain = nmt("translate", "--ckpt", run, "greedy", input="\n".join(lines) + "\n")
    strange = {
        10: "",
        11: "   ",
        500: "ba\u2028ce\u0085di",
        501: "ba\tce\x00di",
        700: "gu " * 667,
        999: "",
    }
    for index, line in strange.items():
        lines[index] = line
    text = "".join(
        line + ("\r\n" if index % 3 else "\n") for index, line in enumerate(lines)
    )
    output = nmt("translate", "--ckpt", run, "greedy", input=text.encode())
    assert output.count("\n") == 1000 and output.endswith("\n")
    translated, expected = output.split("\n"), plain.split("\n")
    assert [translated[index] for index in (10, 11, 999)] == ["", "", ""]
    for index in set(range(1000)) - set(strange):
        assert translated[index] == expected[index], f"line {index + 1}"


def test_evaluate_scores_what_translate_writes(toy: Toy, run: Path) -> None:
    text = [toy.directory / f"validation.{side}" for side in ("source", "target")]
    arguments = ["--ckpt", run, "--source", text[0], "--reference", text[1]]
    scores = json.loads(nmt("evaluate", *arguments, "--json"))
    assert scores["bleu"]["score"] > 90 and scores["chrf"]["score"] > 90
    assert scores["ter"]["score"] < 10
    readable = nmt("evaluate", *arguments)
    for score in scores.values():
        assert f"{score['score']:.2f}  {score['signature']}" in readable


def test_info_says_what_the_run_is(run: Path) -> None:
    facts = dict(line.split(maxsplit=1) for line in nmt("info", run).splitlines())
    last = (run / "checkpoints" / "best").read_text().strip()
    assert facts["checkpoint"] == str(run / "checkpoints" / last)
    assert int(facts["step"]) == int(last.removeprefix("step-"))
    assert "24" in facts["sizes"] and "48" in facts["sizes"]
    assert "CPU" in facts["devices"]


def test_check_reports_on_the_data_of_the_run_and_changes_nothing(
    toy: Toy, run: Path
) -> None:
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*")}
    assert "1,500" in nmt("check", run / "config.yaml")
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*")} == before
