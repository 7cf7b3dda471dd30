"""`nmt attention`: one sentence's picture, or a message that says why there is none."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from nmt import drawing
from nmt.cli import main
from nmt.translator import Translator

SENTENCE = "ba fu gu ha"


class Drawn:
    """What `draw_attention` was last asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._draw = drawing.draw_attention
        monkeypatch.setattr(drawing, "draw_attention", self)

    def __call__(self, *arguments: Any) -> drawing.Drawing:
        self.weights, self.source, self.target, self.format = arguments
        return self._draw(*arguments)


@pytest.fixture(autouse=True)
def opened(toy_translator: Translator, monkeypatch: pytest.MonkeyPatch) -> Translator:
    """What `nmt attention` opens."""
    monkeypatch.setattr(Translator, "open", lambda path: toy_translator)
    return toy_translator


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Drawn:
    return Drawn(monkeypatch)


def draw(run: Any, output: Path, *options: str, input: str | None = None) -> Result:
    arguments = ["attention", "--ckpt", str(run.path), "--output", str(output)]
    return CliRunner().invoke(main, [*arguments, *options], input=input)


def test_a_picture_is_of_a_sentence_and_its_translation(
    toy_run: Any, opened: Translator, tmp_path: Path, drawn: Drawn
) -> None:
    [translation] = opened.translate([SENTENCE])
    pictures = []
    for options, input in (
        (("--text", SENTENCE), None),
        ((), f"{SENTENCE}\r\n"),
        (("--text", SENTENCE, "--target", translation.hypotheses[0].text), None),
    ):
        output = tmp_path / f"{len(pictures)}.PNG"
        result = draw(toy_run, output, *options, input=input)
        assert (result.exit_code, result.output) == (0, "")
        assert drawn.source == SENTENCE.split() and drawn.format == "png"
        assert drawn.target == translation.hypotheses[0].text.split()
        np.testing.assert_allclose(drawn.weights.sum(1), 1, atol=1e-5)
        pictures.append(output.read_bytes())
    assert pictures[0] == pictures[1] == pictures[2]


def test_attention_runs_backwards_where_the_task_is_to_say_the_words_backwards(
    toy_run: Any, tmp_path: Path, drawn: Drawn
) -> None:
    backwards = " ".join(reversed(SENTENCE.split()))
    options = ("--text", SENTENCE, "--target", backwards)
    assert draw(toy_run, tmp_path / "a.png", *options).exit_code == 0
    assert drawn.weights[:, :-1].argmax(1).tolist() == [3, 2, 1, 0]


def test_a_given_target_is_drawn_whatever_the_model_thinks_of_it(
    toy_run: Any, tmp_path: Path, drawn: Drawn
) -> None:
    result = draw(
        toy_run, tmp_path / "a.svg", "--text", "ba  fu", "--target", "\U0001f600 gu gu "
    )
    assert (result.exit_code, result.output) == (0, "")
    assert (drawn.source, drawn.target) == (["ba", "fu"], ["\U0001f600", "gu", "gu"])


def test_subwords_are_drawn_as_text_each_with_its_attention(
    toy_run: Any, tmp_path: Path, drawn: Drawn
) -> None:
    text, target = "baba hanegu", "ba \U0001f600"
    options = ("--text", text, "--target", target, "--subwords")
    assert draw(toy_run, tmp_path / "a.pdf", *options).exit_code == 0
    assert ("".join(drawn.source), "".join(drawn.target)) == (text, target)
    assert drawn.target[-1] == "\U0001f600" and len(drawn.source) > 2
    assert drawn.weights.shape == (len(drawn.target), len(drawn.source) + 1)


def test_what_the_model_cannot_read_gets_no_attention(
    toy_run: Any, tmp_path: Path, drawn: Drawn
) -> None:
    options = ("--text", "ba \U0001f600 gu")
    assert draw(toy_run, tmp_path / "a.svg", *options).exit_code == 0
    assert drawn.source == ["ba", "\U0001f600", "gu"]
    np.testing.assert_allclose(drawn.weights.sum(1), 1, atol=1e-5)
    assert drawn.weights[:, [0, 2, 3]].sum() > 0 and not drawn.weights[:, 1].any()


def test_characters_without_a_font_are_told_in_one_sentence(
    toy_run: Any, tmp_path: Path
) -> None:
    options = ("--text", "ba", "--target", "ba \U0010fffd")
    result = draw(toy_run, tmp_path / "a.png", *options)
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.startswith("no installed font has \U0010fffd: ")
    assert result.stderr.count("\n") == 1 and (tmp_path / "a.png").exists()


@pytest.mark.parametrize(
    ("output", "options", "input", "code", "message"),
    [
        ("a.jpg", (), "ba", 2, "a.jpg: the name has to end in one of .png, .svg, .pdf"),
        ("png", (), "ba", 2, "the name has to end in one of .png, .svg, .pdf"),
        ("a.png", (), "", 1, "standard input: no text"),
        ("a.png", (), "ba\nce\n", 1, "standard input: 2 lines"),
        ("a.png", ("--text", " \t"), "", 1, "--text: no text"),
        ("a.png", ("--text", "ba\nce"), "", 1, "--text: 2 lines"),
        ("a.png", ("--text", "ba", "--target", ""), "", 1, "--target: no text"),
        ("a.png", ("--text", "\U0001f600"), "", 1, "the model knows no character of"),
        ("no/a.png", ("--text", "ba"), "", 1, "no/a.png: cannot be written: No such"),
        ("a.png", ("--text", "ba " * 201, "--target", "ba"), "", 1, "201 by 1 words"),
    ],
)
def test_a_mistake_is_told_and_nothing_is_written(
    toy_run: Any,
    tmp_path: Path,
    output: str,
    options: tuple[str, ...],
    input: str,
    code: int,
    message: str,
) -> None:
    result = draw(toy_run, tmp_path / output, *options, input=input)
    assert (result.exit_code, result.stdout) == (code, "")
    assert message in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_picture_that_fails_leaves_the_one_before(
    toy_run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.png").write_bytes(b"before")

    def fail(path: Path, content: bytes) -> None:
        with open(path, "wb") as stream:
            stream.write(content[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fail)
    result = draw(toy_run, tmp_path / "a.png", "--text", "ba")
    assert result.exit_code == 1 and "No space left" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    assert (tmp_path / "a.png").read_bytes() == b"before"


def test_several_checkpoints_are_refused() -> None:
    call = ["--ckpt", "x", "--ckpt", "y", "--output", "a.png", "--text", "ba"]
    result = CliRunner().invoke(main, ["attention", *call])
    assert result.exit_code == 2 and "takes one" in result.stderr
