"""The command `nmt translate`.

Knows nothing of tensors. What imports TensorFlow is imported inside the commands.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TextIO

import click

from nmt.cli_options import (
    FILE,
    LARGEST,
    FiniteRange,
    bar_at_a_terminal,
    batch_size_option,
    beam_options,
    check_lengths,
    check_nbest,
    checkpoint_help,
    length_options,
    options,
    prepare_tensorflow,
)
from nmt.cli_request import TranslateRequest, check_files, no_dash, standard_if_dash
from nmt.search_settings import BATCH_SIZE, TEMPERATURES, Beam, Greedy, Sample, Search

text_options = options(
    click.option(
        "--format",
        type=click.Choice(["text", "jsonl"]),
        help="What a line of output is: the translation, or a JSON object.  "
        "[default: text]",
    ),
    click.option(
        "--alignments",
        type=FILE,
        callback=no_dash,
        help="A file to write: which words belong together, `source-target` from 0.",
    ),
    click.option(
        "--prefix",
        type=FILE,
        callback=no_dash,
        help="A file to read: what each translation is to begin with, line by line, "
        "though it be longer than --max-length.",
    ),
)
search_options = options(text_options, batch_size_option, length_options)
minimum_risk_option = click.option(
    "--mbr",
    "minimum_risk",
    is_flag=True,
    help="Rank by minimum Bayes risk: by expected chrF among what was found.",
)


@click.group(
    invoke_without_command=True,
    subcommand_metavar="[greedy|beam|sample [OPTIONS]]",
)
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
@text_options
@click.pass_context
def translate(context: click.Context, /, **request: Any) -> None:
    """Translate lines of text: a line in, a line out.

    Without a subcommand it searches as the run's decoding section says. With one, that
    has options of its own, behind its name.

    \b
    Examples:
      nmt translate --ckpt runs/mine < input.en > output.de
      nmt translate --ckpt runs/mine --input input.en beam --beam-size 10
      nmt translate --ckpt runs/mine beam --help
    """
    context.obj = TranslateRequest(**request)
    if context.invoked_subcommand is None:
        _translate(context.obj, None)


@translate.command()
@search_options
@click.pass_obj
def greedy(request: TranslateRequest, /, **given: Any) -> None:
    """Translate by taking the likeliest token at every step.

    \b
    Example: nmt translate --ckpt runs/mine greedy < input.en
    """
    _translate(request, Greedy, **given)


@translate.command()
@search_options
@beam_options
@minimum_risk_option
@click.pass_obj
def beam(request: TranslateRequest, /, **given: Any) -> None:
    """Translate by the best of several hypotheses, a beam.

    \b
    Examples:
      nmt translate --ckpt runs/mine beam --nbest 5 < input.en
      nmt translate --ckpt runs/mine beam --length-penalty 0.6 < input.en
    """
    check_nbest(given)
    _translate(request, Beam, nbest_lines=given["nbest"] > 1, **given)


@translate.command()
@search_options
@click.option(
    "--temperature",
    type=FiniteRange(*TEMPERATURES),
    metavar="T",
    default=Sample.temperature,
    show_default=True,
    help="Divides the logits: below 1, the probable becomes more so.",
)
@click.option(
    "--top-k",
    type=click.IntRange(0, LARGEST),
    metavar="K",
    default=Sample.top_k,
    show_default=True,
    help="Draw from the K most probable tokens only; 0: from all.",
)
@click.option(
    "--top-p",
    type=FiniteRange(min=0, min_open=True, max=1),
    metavar="P",
    default=Sample.top_p,
    show_default=True,
    help="Draw from the fewest tokens that have a share of P of the probability.",
)
@click.option(
    "--samples",
    type=click.IntRange(1, LARGEST),
    metavar="N",
    default=Sample.samples,
    show_default=True,
    help="Translations drawn for a sentence; the distinct ones as n-best lines.",
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    metavar="N",
    default=Sample.seed,
    show_default=True,
    help="The same seed draws the same translations, another seed others.",
)
@minimum_risk_option
@click.pass_obj
def sample(request: TranslateRequest, /, **given: Any) -> None:
    """Translate by drawing from the model's distribution.

    With --mbr the one sample is written that is most like all the others.

    \b
    Examples:
      nmt translate --ckpt runs/mine sample --samples 5 --top-p 0.9 < input.en
      nmt translate --ckpt runs/mine sample --samples 50 --mbr < input.en
    """
    nbest_lines = given["samples"] > 1 and not given["minimum_risk"]
    _translate(request, Sample, nbest_lines=nbest_lines, **given)


@dataclass
class _Counted:
    """How many lines, and the first: of a stream without end, too."""

    count: int = 0
    first: int = 0

    def add(self, line: int) -> None:
        self.count += 1
        self.first = self.first or line


def _translate(
    request: TranslateRequest,
    search_type: type[Search] | None,
    *,
    format: str | None = None,
    alignments: Path | None = None,
    prefix: Path | None = None,
    batch_size: int = BATCH_SIZE,
    minimum_risk: bool = False,
    nbest_lines: bool = False,
    **settings: Any,
) -> None:
    """Translates what the request names; `search_type` None: as the run's config says.

    `settings` are those of the search; what the subcommand was given comes before what
    the group was.
    """
    if not request.checkpoints:
        raise click.UsageError(
            "give a --ckpt PATH, a run directory or a checkpoint, before the "
            "subcommand: nmt translate --ckpt PATH ..."
        )
    check_lengths(settings)
    request = replace(
        request,
        format=format or request.format or "text",
        alignments=alignments or request.alignments,
        prefix=prefix or request.prefix,
    )
    check_files(request)
    prepare_tensorflow()
    from nmt import text, translator

    opened = translator.Translator.open(*request.checkpoints)
    search = search_type(**settings) if search_type else None
    answer = partial(
        opened.translate,
        search=search,
        batch_size=batch_size,
        minimum_risk=minimum_risk,
        alignments=request.format == "jsonl" or request.alignments is not None,
    )
    if request.format == "jsonl":
        as_line = translator.as_json
    else:
        as_line = translator.as_nbest_text if nbest_lines else translator.as_text
    cut, garbled = _Counted(), _Counted()
    bar = bar_at_a_terminal(
        "translating", request.input, beside_results=request.output is None
    )
    with (
        _writing(request.output) as output,
        _writing(request.alignments) if request.alignments else _nowhere() as links,
        text.open_input(request.input) as stream,
        bar as advance,
    ):
        translations = translator.translate_stream(answer, stream, request.prefix)
        index = -1
        for index, translated in enumerate(translations):
            with _told_of(request.output):
                output.write(as_line(index, translated) + "\n")
            with _told_of(request.alignments):
                links.write(translator.as_alignment(translated) + "\n")
            if not translated.hypotheses[0].finished:
                cut.add(index + 1)
            if text.INVALID in translated.source:
                garbled.add(index + 1)
            advance(1)
    _tell(index + 1, cut, garbled, opened.search, search)


def _tell(
    lines: int, cut: _Counted, garbled: _Counted, own: Search, asked: Search | None
) -> None:
    """Says what may not be right in the translations; `own` is the run's search."""
    if garbled.count:
        click.echo(
            f"{garbled.count} of {lines} lines have U+FFFD, which stands for bytes "
            f"that are not UTF-8 here or were not where the text is from (line "
            f"{garbled.first} first); iconv -t UTF-8 converts other encodings",
            err=True,
        )
    if cut.count:
        used = type(asked or own).__name__.lower()
        if asked is None and isinstance(own, Beam):
            # Said alone, the subcommand is not as the run's section has it.
            used += (
                f" --beam-size {own.beam_size} --length-penalty {own.length_penalty}"
            )
        click.echo(
            f"{cut.count} of {lines} translations reached the longest length and "
            f"may be cut (line {cut.first} first); `nmt translate {used} --max-length` "
            "raises it",
            err=True,
        )


@contextmanager
def _writing(path: Path | None) -> Iterator[TextIO]:
    from nmt.text import write_whole

    if path is None:
        yield sys.stdout
    else:
        with write_whole(path) as stream:
            yield stream


@contextmanager
def _told_of(path: Path | None) -> Iterator[None]:
    """What the system refuses in this block is about a file, or standard output."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path or "standard output")
        raise


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")
