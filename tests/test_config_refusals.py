"""What a configuration cannot be is refused in words, with file and line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from config_texts import COMPLETE, SMALLEST, with_keys

from nmt.config import load_config, parse_config
from nmt.errors import ConfigError


def refusals(text: str, *overrides: str) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        parse_config(text, "c.yaml", overrides)
    return str(refused.value).splitlines()


@pytest.mark.parametrize(
    ("dotted", "meant"),
    [
        ("training.sed", "training.seed"),
        ("model.atention", "model.attention"),
        ("batch_size", "training.batch_size"),
        ("model.sampling", "tokenizer.sampling"),
        ("data.validation.taget", "data.validation.target"),
        ("model.droput.state", "model.dropout"),
    ],
)
def test_an_unknown_key_is_refused_with_the_one_it_may_mean(
    dotted: str, meant: str
) -> None:
    (line,) = refusals(SMALLEST, f"{dotted}=2")
    assert line.startswith(f"--set {dotted}=2: ")
    assert f"did you mean {meant}?" in line


def test_an_unknown_key_like_no_other_is_refused_with_the_legal_ones() -> None:
    (line,) = refusals(SMALLEST + "decoding: {zzz: 1}\n")
    assert line.endswith("allowed in decoding: method, beam_size, length_penalty")


def test_every_mistake_is_reported_at_once_with_its_line() -> None:
    mistakes = {  # what to replace it with, and the key that is to be named
        "run_dir: runs/multi30k_en_de": ("run_dir: 5", "run_dir"),
        "  source_language: en ": ("  source_language: EN ", "data.source_language"),
        "    target: data/multi30k/train.de": ("    taget: x", "data.train.taget"),
        "  vocab_size: 8000": ("  vocab_size: '8000'", "tokenizer.vocab_size"),
        "  joint: true": ("  joint: yes", "tokenizer.joint"),
        "  attention: additive": ("  attention: dott", "model.attention"),
        "            source_word: 0.1,": (" source_word: 1.0,", "dropout.source_word"),
        "  seed: 1": ("  seed: -1", "training.seed"),
        "  epochs: 30": ("  epochs: null", "training.steps"),
        "  schedule: plateau": ("  schedule: [constant]", "training.schedule"),
        "  clip_norm: 1.0": ("  clip_norm: .inf", "training.clip_norm"),
        "  accumulate: 1": ("  accumulate: true", "training.accumulate"),
        "  validate_every: epoch": ("  validate_every: 0", "training.validate_every"),
        "  keep: 3": ("  keep: 3\n  keep: 4", "training.keep"),
        "  early_stopping: {": ("  early_stopping: {x: 1, ", "early_stopping.x"),
        "  method: beam": ("  method:", "decoding.method"),
        "  beam_size: 5": ("  beam_size: 2.5", "decoding.beam_size"),
        "  length_penalty: 1.0": ("  length_penalty: a", "decoding.length_penalty"),
    }
    text = COMPLETE
    for right, (wrong, _) in mistakes.items():
        assert text.count(right) == 1
        text = text.replace(right, wrong)

    def number_of(part: str) -> int:
        return text.count("\n", 0, text.index(part)) + 1

    lines = refusals(text)
    for wrong, key in mistakes.values():
        number = number_of(wrong) + wrong.count("\n")
        if key == "training.steps":  # not in the file: its section is shown
            number = number_of("training:")
        found = [line for line in lines if line.startswith(f"c.yaml:{number}: ")]
        assert any(f"{key}: " in line for line in found), (key, lines)
    # The misspelt data.train.target is missing as well.
    assert len(lines) == len(mistakes) + 1


@pytest.mark.parametrize(
    ("overrides", "key"),
    [
        (["model.attention=dot", "model.decoder_size=100"], "model.attention"),
        (["model={tie_embeddings: all}", "tokenizer.joint=false"], "tie_embeddings"),
        (["training={batch_size: 8, batch_tokens: 9}"], "training.batch_tokens"),
        (["training.batch_size=null"], "training.batch_tokens"),
        (["training.epochs=null"], "training.steps"),
        (
            ["training.schedule=inverse_sqrt", "training.warmup_steps=0"],
            "training.warmup_steps",
        ),
        (["tokenizer={type: char, sampling: 0.1}"], "tokenizer.sampling"),
        (["training.validate_every=batch"], "training.validate_every"),
        (["training.validate_every=true"], "training.validate_every"),
        (["training.plateau_factor=1"], "training.plateau_factor"),
        (["training.average_decay=0"], "training.average_decay"),
        (["training.learning_rate=0"], "training.learning_rate"),
        (["training.clip_norm=.nan"], "training.clip_norm"),
        (["training.label_smoothing=false"], "training.label_smoothing"),
        (["training.seed=99999999999"], "training.seed"),
        (["training="], "training"),
        (["data.train=[]"], "data.train"),
        (["data.train=[{source: a}]"], "data.train.0.target"),
        (["data.train=a.en"], "data.train"),
        (["data.target_language=deu"], "data.target_language"),
        (["run_dir="], "run_dir"),
        ([r'run_dir="a\0b"'], "run_dir"),
        ([r'run_dir="\ud800"'], "run_dir"),
        (["decoding.beam_size=0"], "decoding.beam_size"),
        (["tokenizer.vocab_size=260"], "tokenizer.vocab_size"),
        (["tokenizer.type=char", "tokenizer.vocab_size=260"], "tokenizer.vocab_size"),
        (["tokenizer.type=word", "tokenizer.vocab_size=4"], "tokenizer.vocab_size"),
    ],
)
def test_what_cannot_be_right_is_refused(overrides: list[str], key: str) -> None:
    (line,) = refusals(SMALLEST, *overrides)
    assert f"{key}: " in line


def test_sizes_that_fit_dot_attention_are_accepted() -> None:
    sizes = "encoder_size: 50, decoder_size: 100"
    assert with_keys(f"model={{attention: dot, {sizes}}}").model.attention == "dot"


@pytest.mark.parametrize(
    "override",
    ["x", "=1", ".seed=1", "training.=1", "training.seed=[", "training.seed=\t- a"],
)
def test_a_malformed_override_is_named(override: str) -> None:
    (line,) = refusals(SMALLEST, override)
    assert line.startswith(f"--set {override}: ".replace("\t", "\\t"))


def test_an_override_cannot_reach_into_a_list() -> None:
    text = SMALLEST.replace("{source: a.en, target: a.de}", "[]")
    assert "--set data.train.source=b" in refusals(text, "data.train.source=b")[0]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", ":1: the configuration is empty"),
        (b"# nothing yet\n", ":1: the configuration is empty"),
        (b"- 1\n", ":1: the configuration has no sections"),
        (b"run_dir: a\ndata:\n\ttrain: b\n", ":3: not valid YAML"),
        (b"run_dir: a\n\ndata: [\n", ":4: not valid YAML"),
        (b"run_dir: a\n--- \nrun_dir: b\n", ":2: not valid YAML"),
        (b"run_dir: &a x\ndata: *a\n", ":1: not valid YAML"),
        (b"run_dir: x\ndata: *a\n", ":2: not valid YAML"),
        (b"run_dir: a\ndata: \xff\n", ":2: not UTF-8"),
        (b"run_dir: a\ndata: \x00\n", ":2: a character"),
        (b"run_dir: a\ndata: !!python/name:os.system\n", ":2: cannot be read"),
        (b"run_dir: a\ndata: " + 9999 * b"9", ":2: cannot be read"),
        (b"run_dir: a\ndata: 0x" + 9999 * b"f", ":2: cannot be read"),
        (b'run_dir: a\ndata: "\\U0010ffff \\U00110000"', ":2: \\U00110000 is no"),
        (b'run_dir: a\ndata: "\\Udddddddd"', ":2: \\Udddddddd is no"),
        (b"[" * 9999, ":1: nested too deeply"),
        (b"#" * (1 << 17) + b"#", ": larger than"),
    ],
)
def test_a_file_that_is_no_configuration_is_refused_in_one_sentence(
    data: bytes, expected: str, tmp_path: Path
) -> None:
    path = tmp_path / "c.yaml"
    path.write_bytes(data)
    with pytest.raises(ConfigError) as refused:
        load_config(path)
    assert str(refused.value).startswith(f"{path}{expected}")


def test_a_path_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.yaml", tmp_path / "none" / "c.yaml"):
        with pytest.raises(ConfigError, match="cannot read"):
            load_config(path)


def test_a_pipe_is_read_and_one_that_nobody_writes_to_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    os.mkfifo(path)
    with pytest.raises(ConfigError, match=":1: the configuration is empty"):
        load_config(path)
    # As a shell's <(...) gives it.
    command = f"exec {sys.executable} -m nmt check <(sleep 0.5; printf 'a: 1')"
    process = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert process.returncode == 1
    assert "/dev/fd/" in process.stderr and ":1: a: no such key" in process.stderr


def test_a_message_has_no_more_mistakes_than_can_be_read() -> None:
    lines = refusals("".join(f"key{number}: 1\n" for number in range(9000)))
    assert len(lines) == 51
    assert lines[-1] == "c.yaml: and 8952 more mistakes"


@pytest.mark.parametrize("sign", ["\\e[2J", "\\n", "\\r", "\\u2028", "\\ud800"])
def test_nothing_in_a_message_moves_the_cursor(sign: str) -> None:
    for text in (f'"a{sign}": 1', f'{{"a{sign}": 1, "a{sign}": 2}}', f'"{sign}"'):
        for overrides in (), (f'training."{sign}"=1', f'training.seed="{sign}"'):
            for line in refusals(text, *overrides):
                assert line.isprintable()
    for line in refusals(SMALLEST, "a\nb\n\n=1", "\x1b[2J"):
        assert line.startswith("--set ") and line.isprintable()


def test_a_byte_order_mark_and_windows_line_ends_are_accepted(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + SMALLEST.replace("\n", "\r\n").encode())
    assert load_config(path) == with_keys()
