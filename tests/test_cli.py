"""The command line: help, exit codes, messages, and what goes where."""

import gzip
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import numpy as np
import pytest
from click.testing import CliRunner, Result
from conftest import ToyRun

from nmt import cli, cli_scoring, hardware
from nmt.errors import NmtError
from nmt.evaluation import score
from nmt.signals import Interrupted

PROJECT = Path(__file__).parent.parent


def walk(
    command: click.Command, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command with the words that call it."""
    yield path, command
    if isinstance(command, click.Group):
        for name, child in command.commands.items():
            yield from walk(child, (*path, name))


COMMANDS = dict(walk(cli.main))


def run(*arguments: str | Path, input: str | bytes | None = None) -> Result:
    return CliRunner().invoke(cli.main, list(map(str, arguments)), input=input)


def run_process(
    *arguments: str, code: str = "from nmt.cli import main; main()", **options: Any
) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, cwd=PROJECT, stderr=subprocess.PIPE, **options)


# Help -----------------------------------------------------------------------------


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_has_help_an_example_and_help_for_every_option(
    path: tuple[str, ...],
) -> None:
    result = run(*path, "--help")
    assert result.exit_code == 0
    assert f"Example: nmt {' '.join(path[:1])}" in result.stdout
    for parameter in COMMANDS[path].params:
        if isinstance(parameter, click.Option):
            assert parameter.help


@pytest.mark.parametrize("path", [path for path in COMMANDS if path], ids=" ".join)
def test_every_command_and_option_is_in_the_readme(path: tuple[str, ...]) -> None:
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    assert f"nmt {path[0]}" in readme
    assert path[-1] in readme
    for parameter in COMMANDS[path].params:
        for name in parameter.opts if isinstance(parameter, click.Option) else ():
            assert name in readme, f"nmt {' '.join(path)} {name}"


def test_help_and_configuration_errors_come_without_tensorflow(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("run_dir: run\nmodle: {}\n")
    code = """
import sys
from click.testing import CliRunner
from nmt.cli import main
for arguments in sys.argv[1:]:
    result = CliRunner().invoke(main, arguments.split())
    print(result.exit_code, arguments)
sys.exit("tensorflow" in sys.modules)
"""
    calls = [
        *(" ".join([*path, "--help"]) for path in COMMANDS),
        "--version",
        f"train {config}",
        f"train {config} --dry-run",
        f"check {config}",
    ]
    process = run_process(*calls, code=code, stdout=subprocess.PIPE)
    assert process.returncode == 0, process.stderr
    expected = [f"{int('config.yaml' in call)} {call}" for call in calls]
    assert process.stdout.decode().splitlines() == expected


# Errors ---------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["train", "check"])
def test_configuration_errors_are_one_message_and_exit_code_one(
    command: str, tmp_path: Path
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("run_dir: run\nmodle: {}\ntraining: {seed: many}\n")
    result = run(command, config)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert f"{config}:2" in result.stderr and f"{config}:3" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    "arguments, says",
    [
        (["translate"], "--ckpt"),
        (["translate", "beam"], "--ckpt"),
        (["translate", "--ckpt", "a", "sample_badly"], "sample_badly"),
        (["translate", "--ckpt", "a", "--format", "xml"], "xml"),
        (["translate", "--ckpt", "a", "beam", "--beam-size", "0"], "0"),
        (["translate", "--ckpt", "a", "beam", "--nbest", "6"], "--beam-size"),
        (["translate", "--ckpt", "a", "beam", "--length-penalty", "nan"], "finite"),
        (["translate", "--ckpt", "a", "beam", "--coverage-penalty", "inf"], "10"),
        (["translate", "--ckpt", "a", "sample", "--temperature", "0"], "0"),
        (["translate", "--ckpt", "a", "sample", "--top-p", "nan"], "finite"),
        (
            ["translate", "--ckpt", "a", "greedy"]
            + ["--min-length", "9", "--max-length", "8"],
            "--max-length",
        ),
        (["train", "a", "--dry-run", "--restart"], "--restart"),
        (["evaluate", "--ckpt", "a"], "--source"),
        (["score", "--ckpt", "a", "--source", "b"], "--target"),
        (["train"], "CONFIG"),
    ],
)
def test_a_wrong_command_line_is_exit_code_two(arguments: list[str], says: str) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert says in result.stderr


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that makes `nmt info` end with the given exception."""

    def fail_with(error: BaseException) -> Result:
        def fail() -> None:
            raise error

        monkeypatch.setattr(hardware, "prepare", fail)
        return run("info", "runs/some")

    return fail_with


def test_every_error_meant_for_users_is_its_message(failing: Any) -> None:
    for kind in (NmtError, *NmtError.__subclasses__()):
        result = failing(kind("run.txt:3: wrong"))
        assert (result.exit_code, result.stderr) == (1, "Error: run.txt:3: wrong\n")


def test_trouble_of_the_machine_is_one_message(failing: Any) -> None:
    result = failing(OSError(28, "No space left on device", "runs/some/train.log"))
    assert result.exit_code == 1
    assert result.stderr == "Error: runs/some/train.log: No space left on device\n"


def test_running_out_of_memory_says_what_to_lower(failing: Any) -> None:
    # TensorFlow's error, without its import.
    exhausted = type("ResourceExhaustedError", (Exception,), {})
    for error in (MemoryError(), exhausted("OOM when allocating tensor")):
        result = failing(error)
        assert result.exit_code == 1
        assert "training.batch_size" in result.stderr
        assert "Traceback" not in result.stderr


def test_control_c_is_quiet_and_exit_code_130(failing: Any) -> None:
    result = failing(KeyboardInterrupt())
    assert (result.exit_code, result.output) == (130, "")


def test_a_programming_error_stays_an_error(failing: Any) -> None:
    assert isinstance(failing(AssertionError("bug")).exception, AssertionError)


# The commands, with fakes for what they call ----------------------------------------


@pytest.fixture
def no_tensorflow(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("prepare", "prepare_to_translate"):
        monkeypatch.setattr(hardware, name, lambda: None)


@pytest.fixture
def training(monkeypatch: pytest.MonkeyPatch, no_tensorflow: None) -> Any:
    """A training module that notes its calls, and ends as `outcome` says."""

    fake = SimpleNamespace(calls=[], interrupt_with=None)

    def train(config: Any, *, restart: bool) -> None:
        fake.calls.append(("train", config.training.seed, restart))
        if fake.interrupt_with:
            raise Interrupted(fake.interrupt_with)

    fake.train = train
    fake.dry_run = lambda config: str(
        fake.calls.append(("dry_run", config.training.seed))
    )
    for name in ("nmt.training", "nmt.rehearsal"):
        monkeypatch.setitem(sys.modules, name, fake)
        monkeypatch.setattr(name, fake, raising=False)
    return fake


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(
        "run_dir: run\n"
        "data:\n"
        "  train: {source: train.en, target: train.de}\n"
        "  validation: {source: val.en, target: val.de}\n"
    )
    return path


def test_train_trains_what_config_and_overrides_say(
    training: Any, config: Path
) -> None:
    assert run("train", config, "--set", "training.seed=7").exit_code == 0
    assert run("train", config, "--restart").exit_code == 0
    assert run("train", config, "--dry-run").exit_code == 0
    assert training.calls == [("train", 7, False), ("train", 1, True), ("dry_run", 1)]


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_training_exits_with_its_signal(
    training: Any, config: Path, number: int, code: int
) -> None:
    training.interrupt_with = number
    assert run("train", config).exit_code == code


def test_check_prints_the_report_and_fails_where_training_would(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(config.parent)
    for name in ("train.en", "train.de", "val.en", "val.de"):
        Path(name).write_text(f"A line of {name} .\n" * 3)
    fine = run("check", config)
    assert (fine.exit_code, fine.stderr) == (0, "")
    assert "train.en" in fine.stdout and "val.de" in fine.stdout
    Path("val.de").write_text("one line\n")
    broken = run("check", config)
    assert broken.exit_code == 1
    assert "val.de has 1" in broken.stdout
    assert broken.stderr.startswith("Error: ")


class Shouting:
    """A translator whose translations are the lines in capitals; a dot is a cut one."""

    target_language = None

    def __init__(self, search: Any) -> None:
        self.search = search
        self.opened: tuple[Path, ...] = ()
        self.asked: list[tuple[Any, dict[str, Any]]] = []

    def translate(
        self,
        lines: Sequence[str],
        search: Any = None,
        *,
        prefixes: Sequence[str] | None = None,
        **options: Any,
    ) -> list[Any]:
        from nmt.translation import TextHypothesis, Translation

        self.asked.append((search, options))
        best = getattr(search, "nbest", 1) if search else 1
        return [
            Translation(
                line,
                tuple(
                    TextHypothesis(
                        prefix + line.upper() + "!" * rank,
                        -rank / 2,
                        -rank,
                        [],
                        [(0, 0), (1, 0)] if line else [],
                        finished="." not in line,
                    )
                    for rank in range(best)
                ),
            )
            for line, prefix in zip(lines, prefixes or [""] * len(lines), strict=True)
        ]

    def score(self, sources: Sequence[str], targets: Sequence[str]) -> list[float]:
        return [
            len(source) - len(target) / 4
            for source, target in zip(sources, targets, strict=True)
        ]


@pytest.fixture
def shouting(monkeypatch: pytest.MonkeyPatch, no_tensorflow: None) -> Shouting:
    from nmt.decoding import Beam
    from nmt.translator import Translator

    translator = Shouting(Beam(beam_size=3))

    def open(*paths: Path) -> Shouting:
        translator.opened = paths
        return translator

    monkeypatch.setattr(Translator, "open", open)
    return translator


DEFAULTS = {"batch_size": 64, "minimum_risk": False, "alignments": False}


def test_translate_answers_line_by_line_in_utf8(shouting: Shouting) -> None:
    result = run("translate", "--ckpt", "x", input="\u00fcber\r\n\na\u2028b\n".encode())
    assert result.exit_code == 0
    assert result.stdout_bytes == "\u00dcBER\n\nA\u2028B\n".encode()
    assert result.stderr == ""
    assert shouting.asked == [(None, DEFAULTS)]


def test_translate_passes_the_options_of_its_subcommands(shouting: Shouting) -> None:
    from nmt.decoding import Beam, Greedy, Sample

    call = ["translate", "--ckpt", "x", "--ckpt", "y"]
    lengths = "--min-length 2 --max-length 9".split()
    beam = "--beam-size 4 --length-penalty 0.5 --coverage-penalty 0.2"
    beam += " --no-repeat-ngram 3 --nbest 2 --mbr"
    sample = "--samples 4 --temperature 0.5 --top-k 6 --top-p 0.7 --seed 8 --mbr"
    run(*call, "greedy", input="a\n")
    run(*call, "beam", input="a\n")
    run(*call, "sample", input="a\n")
    run(*call, "greedy", *lengths, "--batch-size", "5", input="a\n")
    run(*call, "beam", *lengths, *beam.split(), input="a\n")
    run(*call, "sample", *lengths, *sample.split(), input="a\n")
    few, by_risk = DEFAULTS | {"batch_size": 5}, DEFAULTS | {"minimum_risk": True}
    assert shouting.asked == [
        (Greedy(), DEFAULTS),
        (Beam(), DEFAULTS),
        (Sample(), DEFAULTS),
        (Greedy(min_length=2, max_length=9), few),
        (Beam(4, 0.5, 0.2, 3, 2, min_length=2, max_length=9), by_risk),
        (Sample(4, 0.5, 6, 0.7, 8, min_length=2, max_length=9), by_risk),
    ]
    assert shouting.opened == (Path("x"), Path("y"))


@pytest.mark.parametrize("where", ["before the subcommand", "behind it"])
def test_translate_takes_prefixes_and_writes_alignments(
    where: str, shouting: Shouting, tmp_path: Path
) -> None:
    prefixes, links = tmp_path / "prefixes", tmp_path / "links.gz"
    prefixes.write_text("x\n\n")
    options = ["--prefix", prefixes, "--alignments", links]
    words = [*options, "greedy"] if where.startswith("before") else ["greedy", *options]
    result = run("translate", "--ckpt", "x", *words, input="a\n\n")
    assert (result.exit_code, result.stdout) == (0, "xA\n\n")
    assert gzip.decompress(links.read_bytes()) == b"0-0 1-0\n\n"
    links.unlink()
    result = run("translate", "--ckpt", "x", *words, input="a\n")
    assert result.exit_code == 1
    assert ":2: more lines than" in result.stderr
    assert not links.exists()


def test_translate_says_how_many_translations_were_cut(shouting: Shouting) -> None:
    result = run("translate", "--ckpt", "x", input="a\nb.\nc\nd.\n")
    assert result.stdout == "A\nB.\nC\nD.\n"
    assert result.stderr == (
        "2 of 4 translations reached the longest length and may be cut (line 2 "
        "first); --max-length raises it\n"
    )


def test_translate_writes_nbest_lines_and_json(shouting: Shouting) -> None:
    beam = ["beam", "--nbest", "2"]
    text = run("translate", "--ckpt", "x", *beam, input="a\n")
    assert text.stdout == "0 ||| A ||| 0.000000\n0 ||| A! ||| -0.500000\n"
    before = run("translate", "--ckpt", "x", "--format", "jsonl", *beam, input="a\n")
    after = run("translate", "--ckpt", "x", *beam, "--format", "jsonl", input="a\n")
    assert before.stdout == after.stdout
    assert [best["text"] for best in json.loads(after.stdout)["hypotheses"]] == [
        "A",
        "A!",
    ]


def test_translate_reads_and_writes_files(shouting: Shouting, tmp_path: Path) -> None:
    source, output = tmp_path / "source.gz", tmp_path / "output"
    packed = tmp_path / "packed.gz"
    (tmp_path / "plain").write_text("a\nb\n")
    call = ["translate", "--ckpt", "x"]
    result = run(*call, "--input", tmp_path / "plain", "--output", packed)
    assert (result.exit_code, result.output) == (0, "")
    packed.rename(source)
    assert run(*call, "--input", source, "--output", output).exit_code == 0
    assert output.read_bytes() == b"A\nB\n"
    assert run(*call, "--input", source, "--output", "-").stdout == "A\nB\n"
    assert run(*call, "--input", "-", input="c\n").stdout == "C\n"


def test_a_failed_translation_leaves_the_old_output(
    shouting: Shouting, tmp_path: Path
) -> None:
    output, damaged = tmp_path / "output", tmp_path / "damaged.gz"
    output.write_text("before\n")
    damaged.write_bytes(b"not gzip")
    call = ["translate", "--ckpt", "x", "--output", output, "--input"]
    for source in (damaged, tmp_path / "missing"):
        result = run(*call, source)
        assert result.exit_code == 1
        assert str(source) in result.stderr
    assert output.read_text() == "before\n"
    assert sorted(tmp_path.iterdir()) == [damaged, output]


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
    from nmt.decoding import Beam

    source, reference = tmp_path / "source", tmp_path / "reference"
    source.write_text("the dog runs in the park\na cat\n")
    reference.write_text("THE DOG RAN IN THE PARK\nA cat\n")
    call = ["evaluate", "--ckpt", "x", "--source", source, "--reference", reference]
    for options in ([], ["--lowercase"]):
        expected = score(
            ["THE DOG RUNS IN THE PARK", "A CAT"],
            reference.read_text().splitlines(),
            lowercase=bool(options),
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
    run(*call, "--beam-size", "7", "--length-penalty", "0.6", "--batch-size", "2")
    assert shouting.asked[-1] == (Beam(7, 0.6), {"batch_size": 2})
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


# A real run, of a model that has learnt nothing ---------------------------------------


@pytest.fixture(scope="module")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run directory as training leaves it, with random weights."""
    from nmt.config import dump_config, parse_config
    from nmt.model import TranslationModel
    from nmt.run import AVERAGE, WEIGHTS, RunDirectory, State
    from nmt.tokenizer import train_tokenizers

    directory = tmp_path_factory.mktemp("untrained")
    text = directory / "text"
    text.write_text("a dog runs in the park .\ntwo cats sleep on a red mat .\n" * 9)
    path = directory / "run"
    pair = f"{{source: {text}, target: {text}}}"
    config = parse_config(
        f"run_dir: {path}\n"
        "data: {source_language: en, target_language: de,"
        f" train: {pair}, validation: {pair}}}\n"
        "tokenizer: {type: char, vocab_size: 300}\n"
        "model: {embedding_size: 4, encoder_size: 3, decoder_size: 5}\n"
        "decoding: {method: greedy}\n",
        "config",
    )
    tokenizers = train_tokenizers(config.tokenizer, config.data.train)
    vocabulary = tokenizers.source.vocab_size
    model = TranslationModel(config.model, vocabulary, vocabulary, seed=1)
    run = RunDirectory(path)
    run.write_config(config)
    assert run.config.read_text() == dump_config(config)
    tokenizers.save(run.tokenizer)
    weights = model.parameters.values()
    run.save(State(step=7, epoch=2), {WEIGHTS: weights, AVERAGE: weights}, best=True)
    run.metrics.write_text(
        '{"kind": "validation", "step": 6, "bleu": 1.0}\n'
        '{"kind": "train", "step": 7, "loss": 5.0}\n'
        '{"kind": "validation", "step": 7, "bleu": 12.3456, "chrf": 34.5}\n'
        '{"kind": "validati'
    )
    return path


def test_info_says_what_a_run_is(untrained: Path) -> None:
    checkpoint = untrained / "checkpoints" / "step-00000007"
    of_run, of_checkpoint = run("info", untrained), run("info", checkpoint)
    assert of_run.exit_code == 0
    assert of_run.stdout == of_checkpoint.stdout
    facts = dict(line.split(maxsplit=1) for line in of_run.stdout.splitlines())
    assert facts["checkpoint"] == str(checkpoint)
    assert facts["languages"] == "en -> de"
    assert facts["sizes"] == "embedding 4, encoder 1 x 2 x 3, decoder 5"
    assert (facts["step"], facts["epoch"]) == ("7", "2")
    assert (facts["bleu"], facts["chrf"]) == ("12.35", "34.50")
    assert "CPU" in facts["devices"]
    with np.load(checkpoint / "weights.npz") as weights:
        count = sum(weight.size for weight in weights.values())
    assert facts["parameters"] == f"{count:,}"


def test_a_run_translates_line_by_line_however_it_searches(untrained: Path) -> None:
    source = "a dog\n\na\u2028\0b\r\n \n" + "cats sleep " * 20
    call = ["translate", "--ckpt", untrained]
    limits = ["--max-length", "7", "--min-length", "3"]
    plain = run(*call, input=source.encode())
    greedy = run(*call, "greedy", input=source.encode())
    assert plain.exit_code == greedy.exit_code == 0
    assert plain.stdout == greedy.stdout
    assert plain.stdout.count("\n") == 5
    narrow = run(*call, "beam", "--beam-size", "1", *limits, input=source.encode())
    short = run(*call, "greedy", *limits, "--batch-size", "1", input=source.encode())
    assert narrow.stdout == short.stdout
    result = run(
        *call,
        *["beam", "--nbest", "4", *limits, "--format", "jsonl"],
        input=source.encode(),
    )
    translations = [json.loads(line) for line in result.stdout.split("\n")[:-1]]
    assert [record["source"] for record in translations] == [
        "a dog",
        "",
        "a\u2028\0b",
        " ",
        "cats sleep " * 20,
    ]
    for record in translations:
        found = record["hypotheses"]
        if record["source"].strip():
            texts = [best["text"] for best in found]
            scores = [best["score"] for best in found]
            assert 1 <= len(set(texts)) == len(texts) <= 4
            assert scores == sorted(scores, reverse=True)
            for best in found:
                assert 3 <= len(best["tokens"]) <= 7
                # The length penalty is 1 and the end of sentence counts.
                expected = best["log_prob"] / (len(best["tokens"]) + 1)
                assert best["score"] == pytest.approx(expected, rel=1e-5)
        else:
            [empty] = found
            assert (empty["text"], empty["score"], empty["tokens"]) == ("", 0, [])


def test_runs_of_other_tokenizers_do_not_translate_together(
    untrained: Path, toy_run: ToyRun
) -> None:
    for command in (["translate"], ["score", "--source", "a", "--target", "b"]):
        result = run(*command, "--ckpt", untrained, "--ckpt", toy_run.path)
        assert (result.exit_code, result.stdout) == (1, "")
        assert str(untrained) in result.stderr and str(toy_run.path) in result.stderr
        assert "tokenizer" in result.stderr


# What only a real process shows ------------------------------------------------------

# `nmt info` that prints much, needs nothing, and ends with an error.
CHATTERING = """
import click
from nmt import cli, errors, hardware
def chatter():
    for _ in range(9999):
        click.echo("\\u00fcber" * 99)
    raise errors.NmtError("\\u00fcber")
hardware.prepare = chatter
cli.main(["info", "x"])
"""


def test_a_reader_that_goes_away_ends_the_command_quietly() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = run_process(code=CHATTERING, stdout=writing)
    os.close(writing)
    assert (process.returncode, process.stderr) == (141, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a Linux device")
def test_a_full_disk_under_stdout_is_one_message() -> None:
    with open("/dev/full", "wb") as full:
        process = run_process(code=CHATTERING, stdout=full)
    assert process.returncode == 1
    assert process.stderr.startswith(b"Error: ")
    assert b"No space left on device" in process.stderr
    assert process.stderr.count(b"\n") == 1


@pytest.mark.skipif(os.name != "posix", reason="closes descriptors as a shell does")
def test_closed_standard_streams_are_empty_ones() -> None:
    code = """
import os, sys
from nmt import cli, cli_scoring, hardware
hardware.prepare = lambda: sys.exit(sys.stdin.read() + "done")
cli.main(["info", "x"])
"""
    process = subprocess.run(
        ["sh", "-c", '"$0" -c "$1" <&- >&-', sys.executable, code],
        cwd=PROJECT,
        stderr=subprocess.PIPE,
    )
    assert process.stderr == b"done\n"


def test_output_is_utf8_whatever_the_locale() -> None:
    environment = {**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": "ascii"}
    process = run_process(code=CHATTERING, stdout=subprocess.PIPE, env=environment)
    assert process.stdout == ("\u00fcber" * 99 + "\n").encode() * 9999
    assert process.stderr == "Error: \u00fcber\n".encode()
