"""The command `nmt attention`: the picture of one sentence's attention.

Knows nothing of tensors. TensorFlow and matplotlib are imported inside the command.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nmt.cli_options import FILE, picture_format, prepare_tensorflow
from nmt.errors import DataError
from nmt.files import replacing
from nmt.text import read_lines_leniently

if TYPE_CHECKING:
    from nmt.alignment import Look


def one_of_them(
    context: click.Context, parameter: click.Parameter, paths: tuple[Path, ...]
) -> Path:
    """The one path; click itself would take the last of several."""
    if len(paths) > 1:
        raise click.BadParameter("takes one: a picture is of one model's attention")
    return paths[0]


@click.command()
@click.option(
    "--ckpt",
    "checkpoint",
    type=FILE,
    required=True,
    multiple=True,
    callback=one_of_them,
    help="A run directory (its best checkpoint), or one of its checkpoints.",
)
@click.option(
    "--output",
    type=FILE,
    required=True,
    help="The picture: .png, .svg or .pdf, by its name.",
)
@click.option("--text", help="The sentence, of one line.  [default: stdin]")
@click.option("--target", help="Its translation.  [default: the model's own]")
@click.option("--subwords", is_flag=True, help="Draw the model's tokens, not words.")
def attention(
    checkpoint: Path,
    output: Path,
    text: str | None,
    target: str | None,
    subwords: bool,
) -> None:
    """Draw what the model looks at for each word of a translation.

    Rows are words of the translation, columns words of the source; the darker, the
    more it looks there.

    \b
    Examples:
      nmt attention --ckpt runs/mine --output a.png --text "A dog runs."
      echo "A dog runs." | nmt attention --ckpt runs/mine --output a.svg
    """
    format = picture_format(output)
    from nmt.drawing import MOST_PARTS, draw_attention

    source = _sentence("standard input" if text is None else "--text", text)
    if target is not None:
        target = _sentence("--target", target)
    look = _look(checkpoint, source, target)
    across, down = look.source, look.target
    source_parts = across.subwords() if subwords else across.words()
    target_parts = down.subwords() if subwords else down.words()
    if max(len(source_parts), len(target_parts)) > MOST_PARTS:
        raise DataError(
            f"{len(source_parts)} by {len(target_parts)} "
            f"{'subwords' if subwords else 'words'} are too many to draw: at most "
            f"{MOST_PARTS} on a side; draw a sentence at a time"
        )
    drawing = draw_attention(
        look.over(source_parts, target_parts),
        across.texts(source_parts),
        down.texts(target_parts),
        format,
    )
    with replacing(output) as unfinished:
        unfinished.write_bytes(drawing.content)
    if drawing.missing:
        click.echo(
            f"no installed font has {' '.join(drawing.missing)}: install one, such as "
            "Noto's, or draw an .svg, which its viewer shows in fonts of its own",
            err=True,
        )


def _look(checkpoint: Path, source: str, target: str | None) -> "Look":
    """The attention to the source of the target, or of what the model says.

    Raises: DataError where there is nothing to look at; RunError if the run cannot be
    used.
    """
    prepare_tensorflow()
    from nmt.looking import look_at_text, look_at_tokens
    from nmt.translator import Translator

    translator = Translator.open(checkpoint)
    model, tokenizers = translator.model, translator.tokenizers
    if target is not None:
        return look_at_text(model, tokenizers, source, target)
    [translation] = translator.translate([source])
    look = look_at_tokens(model, tokenizers, source, translation.hypotheses[0].tokens)
    if not look.target.text.strip():
        raise DataError("the translation is empty: there is no attention to draw")
    return look


def _sentence(where: str, given: str | None) -> str:
    """The one line that was given, or that standard input has where None was.

    Raises: DataError for none, a blank one or several.
    """
    if given is None:
        lines = list(read_lines_leniently(sys.stdin.buffer))
    else:
        # What was not UTF-8 on the command line comes as lone surrogates.
        whole = given.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        lines = whole.removesuffix("\n").split("\n")
    if len(lines) > 1:
        raise DataError(f"{where}: {len(lines)} lines; a picture is of one sentence")
    if not lines or not lines[0].strip():
        raise DataError(f"{where}: no text, so there is nothing to draw")
    return lines[0]
