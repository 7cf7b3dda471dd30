"""The commands that use a trained run: `nmt translate` and `nmt evaluate`.

Knows nothing of tensors. What imports TensorFlow is imported inside the commands.
"""

import json
import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TextIO, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

FILE = click.Path(path_type=Path)

# TensorFlow counts in 32 bits, and a search counts one more than it is asked for.
LARGEST = 2**31 - 2


class FiniteFromZero(click.FloatRange):
    """A number from 0 on; `nan`, which click lets into any range, is none."""

    def __init__(self) -> None:
        super().__init__(min=0)

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return number


def prepare_tensorflow() -> None:
    """Call it before anything that imports TensorFlow."""
    from nmt import hardware

    hardware.prepare()


def standard_if_dash(
    context: click.Context, parameter: click.Parameter, path: Path | None
) -> Path | None:
    """None, which is standard input or output, for the customary `-`."""
    return None if path == Path("-") else path


@dataclass(frozen=True)
class TranslateRequest:
    """What `nmt translate` was asked, however it then searches."""

    checkpoints: tuple[Path, ...]
    input: Path | None
    output: Path | None
    format: str | None


checkpoint_help = "A run directory (its best checkpoint), or one of its checkpoints."
format_option = click.option(
    "--format",
    type=click.Choice(["text", "jsonl"]),
    help="What a line of output is.  [default: text]",
)
batch_size_option = click.option(
    "--batch-size",
    type=click.IntRange(1, LARGEST),
    default=64,
    show_default=True,
    help="Sentences translated at once; translations do not depend on it.",
)


def length_options(command: Command) -> Command:
    """The options that every search has."""
    minimum = click.option(
        "--min-length",
        type=click.IntRange(0, LARGEST),
        default=0,
        show_default=True,
        help="Tokens that a translation has at least.",
    )
    maximum = click.option(
        "--max-length",
        type=click.IntRange(1, LARGEST),
        help="Tokens that a translation has at most.  [default: by source length]",
    )
    return maximum(minimum(batch_size_option(format_option(command))))


@click.group(invoke_without_command=True)
@click.option(
    "--ckpt", "checkpoints", type=FILE, multiple=True, help=checkpoint_help
)  # Not required=True: click would ask for it before `nmt translate beam --help`.
@click.option(
    "--input",
    type=FILE,
    callback=standard_if_dash,
    help="Text to translate.  [default: stdin]",
)
@click.option(
    "--output",
    type=FILE,
    callback=standard_if_dash,
    help="Where translations go.  [default: stdout]",
)
@format_option
@click.pass_context
def translate(
    context: click.Context,
    checkpoints: tuple[Path, ...],
    input: Path | None,
    output: Path | None,
    format: str | None,
) -> None:
    """Translate lines; without a subcommand, as the run's decoding section says.

    \b
    Example: nmt translate --ckpt runs/multi30k_en_de < input.en > output.de
    """
    context.obj = TranslateRequest(checkpoints, input, output, format)
    if context.invoked_subcommand is None:
        _translate(context.obj, None, 64, None)


@translate.command()
@length_options
@click.pass_obj
def greedy(
    request: TranslateRequest, /, format: str | None, batch_size: int, **search: Any
) -> None:
    """Translate by taking the likeliest token at every step.

    \b
    Example: nmt translate --ckpt runs/multi30k_en_de greedy < input.en
    """
    _translate(request, format, batch_size, {"method": "greedy", **search})


@translate.command()
@length_options
@click.option(
    "--beam-size",
    type=click.IntRange(1, LARGEST),
    default=5,
    show_default=True,
    help="Hypotheses that are kept at every step.",
)
@click.option(
    "--length-penalty",
    type=FiniteFromZero(),
    default=1.0,
    show_default=True,
    help="A in score = log-probability / length^A, the end of sentence counted.",
)
@click.option(
    "--nbest",
    type=click.IntRange(1, LARGEST),
    default=1,
    show_default=True,
    help="Translations of a sentence, distinct ones; 2 or more as n-best lines.",
)
@click.pass_obj
def beam(
    request: TranslateRequest, /, format: str | None, batch_size: int, **search: Any
) -> None:
    """Translate by beam search.

    \b
    Example: nmt translate --ckpt runs/multi30k_en_de beam --nbest 5 < input.en
    """
    if search["nbest"] > search["beam_size"]:
        raise click.UsageError(
            f"--nbest {search['nbest']} is more than --beam-size "
            f"{search['beam_size']}: a beam holds no more than its size"
        )
    _translate(request, format, batch_size, {"method": "beam", **search})


def _translate(
    request: TranslateRequest,
    format: str | None,
    batch_size: int,
    search: dict[str, Any] | None,
) -> None:
    """Translates what the request names; `search` None: as the run's config says."""
    if len(request.checkpoints) != 1:
        raise click.UsageError(
            "give one --ckpt PATH, a run directory or a checkpoint, before the "
            "subcommand: nmt translate --ckpt PATH ..."
        )
    if search and search["max_length"] and search["max_length"] < search["min_length"]:
        raise click.UsageError(
            f"--min-length {search['min_length']} is more than --max-length "
            f"{search['max_length']}"
        )
    prepare_tensorflow()
    from nmt import text, translator
    from nmt.decoding import SearchOptions

    options = SearchOptions(**search) if search else None
    if (format or request.format) == "jsonl":
        as_line = translator.as_json
    elif options and options.nbest > 1:
        as_line = translator.as_nbest_text
    else:
        as_line = translator.as_text
    opened = translator.Translator.open(request.checkpoints[0])
    with _output(request.output) as output, text.open_input(request.input) as stream:
        translations = translator.translate_stream(
            opened, stream, options, batch_size=batch_size
        )
        for index, translated in enumerate(translations):
            output.write(as_line(index, translated) + "\n")


@contextmanager
def _output(path: Path | None) -> Iterator[TextIO]:
    from nmt.text import write_whole

    if path is None:
        yield sys.stdout
    else:
        with write_whole(path) as stream:
            yield stream


@click.command()
@click.option("--ckpt", type=FILE, required=True, help=checkpoint_help)
@click.option("--source", type=FILE, required=True, help="Text to translate.")
@click.option("--reference", type=FILE, required=True, help="How it should read.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--lowercase", is_flag=True, help="Ignore case, as sacreBLEU's -lc.")
@click.option(
    "--beam-size",
    type=click.IntRange(1, LARGEST),
    help="Search with a beam of this size.  [default: the run's decoding section]",
)
@click.option(
    "--length-penalty",
    type=FiniteFromZero(),
    help="The beam's length penalty.  [default: the run's decoding section]",
)
@batch_size_option
def evaluate(
    ckpt: Path,
    source: Path,
    reference: Path,
    as_json: bool,
    lowercase: bool,
    beam_size: int | None,
    length_penalty: float | None,
    batch_size: int,
) -> None:
    """Translate a text and score it: BLEU, chrF and TER, with sacreBLEU's signatures.

    \b
    Example: nmt evaluate --ckpt runs/en_de --source test.en --reference test.de
    """
    from nmt import evaluation
    from nmt.config import TextPair
    from nmt.corpus import load_pairs

    sources, references = load_pairs(TextPair(source=source, target=reference))
    prepare_tensorflow()
    from nmt.translator import Translator

    translator = Translator.open(ckpt)
    evaluation.require_tokenizer(translator.target_language)
    options = translator.options
    if beam_size is not None:
        options = replace(options, method="beam", beam_size=beam_size)
    if length_penalty is not None:
        options = replace(options, method="beam", length_penalty=length_penalty)
    translations = translator.translate(sources, options, batch_size=batch_size)
    scores = evaluation.score(
        [translation.hypotheses[0].text for translation in translations],
        references,
        lowercase=lowercase,
        target_language=translator.target_language,
    )
    if as_json:
        record = {
            kind: {"score": score.value, "signature": score.signature}
            for kind, score in scores._asdict().items()
        }
        click.echo(json.dumps(record, indent=2))
    else:
        for score in scores:
            click.echo(f"{score.name:5} {score.value:6.2f}  {score.signature}")
