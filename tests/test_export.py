"""An export translates as `nmt translate` does, without nmt."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from click.testing import CliRunner, Result
from conftest import ToyRun
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from nmt.alignment import pharaoh_line
from nmt.cli import main
from nmt.export import TranslatorGraphs
from nmt.search_settings import Beam, Greedy, Search
from nmt.translator import Translator

DOG = "\U0001f415"
# Longer, and attention is the same in many places: which of them is linked is a matter
# of last digits, as of how many threads add up.
REPEATED = " ".join(["gu ha je"] * 8)
LINES = [
    "ba ce di",
    "",
    " \t ",
    f"ba {DOG} ce fo",
    DOG,
    "ba \u0418\u0432\u0430\u043d, \u65e5\u672c",
    "po\u2028ne\0mu\r",
    "  lo  ki ",
    REPEATED,
    "\ufffe ki",
]

# A process that has TensorFlow and tensorflow-text, and no nmt.
ALONE = """
import json, sys
import tensorflow as tf
import tensorflow_text
found = {}
model = tf.saved_model.load(sys.argv[1])
for name, signature in model.signatures.items():
    answer = signature(text=tf.constant(json.loads(sys.argv[2])))
    found[name] = {key: value.numpy().tolist() for key, value in answer.items()}
    for key in ("texts", "alignments"):
        found[name][key] = [[x.decode() for x in row] for row in found[name][key]]
assert not any(name.split(".")[0] == "nmt" for name in sys.modules)
print(json.dumps(found))
"""


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, list(map(str, arguments)))


@pytest.fixture(scope="module")
def exported(toy_run: ToyRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("models") / "toy" / "1"
    beam = "beam --beam-size 4 --nbest 3 --coverage-penalty 0.1 --min-length 2".split()
    result = run("export", "--ckpt", toy_run.path, "--output", output, *beam)
    assert (result.exit_code, result.output) == (0, "")
    return output


@pytest.fixture(scope="module")
def signatures(exported: Path) -> Any:
    return tf.saved_model.load(str(exported)).signatures


def check_same(found: dict[str, Any], translator: Translator, search: Search) -> None:
    """The answers are those of `translate`."""
    expected = translator.translate(LINES, search, alignments=True)
    assert found["count"] == [len(some.hypotheses) for some in expected]
    for row, translation in enumerate(expected):
        for rank, best in enumerate(translation.hypotheses):
            assert found["texts"][row][rank] == best.text
            if LINES[row] != REPEATED:
                assert found["alignments"][row][rank] == pharaoh_line(best.alignment)
            for key, value in ("scores", best.score), ("log_probs", best.log_prob):
                # Of -700, float32's last digit is 6e-5.
                near = pytest.approx(value, abs=1e-4, rel=1e-6)
                assert found[key][row][rank] == near


def test_another_process_without_nmt_translates_the_same(
    exported: Path, toy_translator: Translator, tmp_path: Path
) -> None:
    process = subprocess.run(
        [sys.executable, "-I", "-c", ALONE, exported, json.dumps(LINES)],
        cwd=tmp_path,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr
    found = json.loads(process.stdout)
    beam = Beam(4, coverage_penalty=0.1, nbest=3, min_length=2)
    check_same(found["serving_default"], toy_translator, beam)
    check_same(found["greedy"], toy_translator, Greedy(min_length=2))


def test_any_number_of_lines_is_answered(signatures: Any) -> None:
    greedy = signatures["greedy"]
    nothing = greedy(text=tf.zeros([0], tf.string))
    assert {key: value.shape[0] for key, value in nothing.items()} == dict.fromkeys(
        nothing, 0
    )
    blank = greedy(text=tf.constant(["", " "]))
    assert blank["texts"].numpy().tolist() == [[b""], [b""]]
    # More than one batch of the search, longest first inside, in order outside.
    some = ["ba ce", "", "po ne mu lo", DOG]
    few, many = (greedy(text=tf.constant(some * times)) for times in (1, 40))
    assert many["texts"].numpy().tolist() == few["texts"].numpy().tolist() * 40


def nodes_that_translate(exported: Path) -> list[Any]:
    """All nodes but those that read the files, which is a CPU's work."""
    content = (exported / "saved_model.pb").read_bytes()
    [graphs] = SavedModel.FromString(content).meta_graphs
    return [
        node
        for function in graphs.graph_def.library.function
        if "_traced_" not in function.signature.name
        for node in function.node_def
    ]


def test_nothing_in_it_is_bound_to_a_device(exported: Path) -> None:
    nodes = nodes_that_translate(exported)
    assert len(nodes) > 1000
    assert {node.device for node in nodes} == {""}
    assert not [node.op for node in nodes if "cudnn" in node.op.lower()]


def test_invalid_utf8_is_read_as_the_command_reads_it(signatures: Any) -> None:
    greedy = signatures["greedy"]
    bad, good = b"ba \xe2\x82 \xff ce", "ba \ufffd \ufffd ce".encode()
    found = greedy(text=tf.constant([bad, good]))["texts"].numpy().tolist()
    assert found[0] == found[1]


def test_what_is_there_is_not_overwritten(exported: Path, toy_run: ToyRun) -> None:
    before = sorted(exported.rglob("*"))
    result = run("export", "--ckpt", toy_run.path, "--output", exported)
    assert result.exit_code == 1
    assert str(exported) in result.stderr and "already" in result.stderr
    assert sorted(exported.rglob("*")) == before
    assert [path.name for path in exported.parent.iterdir()] == [exported.name]


@pytest.mark.parametrize("options", [[], ["--ckpt", "a"], ["--output", "a"]])
def test_a_checkpoint_and_an_output_are_needed(options: list[str]) -> None:
    for arguments in ([], ["beam"], ["greedy"]):
        result = run("export", *options, *arguments)
        assert result.exit_code == 2
        assert "--ckpt" in result.stderr and "--output" in result.stderr


def test_an_ensemble_is_exported_as_it_translates(toy_run: ToyRun) -> None:
    earlier = sorted((toy_run.path / "checkpoints").glob("step-*"))[0]
    both = Translator.open(toy_run.path, earlier)
    answer = TranslatorGraphs(both).signature(Greedy())(tf.constant(LINES))
    found = {key: value.numpy().tolist() for key, value in answer.items()}
    for key in ("texts", "alignments"):
        found[key] = [[text.decode() for text in row] for row in found[key]]
    check_same(found, both, Greedy())
