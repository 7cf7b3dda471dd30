"""The commands that judge translations: `nmt score` and `nmt evaluate`.

Knows nothing of tensors. What imports TensorFlow is imported inside the commands.
"""

import json
from dataclasses import replace
from itertools import islice
from pathlib import Path

import click

from nmt.cli_options import (
    FILE,
    LARGEST,
    FiniteRange,
    bar_at_a_terminal,
    batch_size_option,
    checkpoint_help,
    prepare_tensorflow,
)
from nmt.search_settings import LARGEST_PENALTY

# Worked on together; enough for batches of nearly equal lengths.
PAIRS_AT_ONCE = 1024

checkpoints_option = click.option(
    "--ckpt",
    "checkpoints",
    type=FILE,
    multiple=True,
    required=True,
    help=checkpoint_help,
)


@click.command()
@checkpoints_option
@click.option("--source", type=FILE, required=True, help="The text, a sentence a line.")
@click.option(
    "--target", type=FILE, required=True, help="Its translation, line by line."
)
def score(checkpoints: tuple[Path, ...], source: Path, target: Path) -> None:
    """Write how probable the model finds given translations.

    A line for each pair: the natural logarithm of the probability, the end of the
    sentence included.

    \b
    Example: nmt score --ckpt runs/mine --source test.en --target test.de
    """
    from nmt.config import TextPair
    from nmt.parallel_text import require_files, side_by_side
    from nmt.text import read_lines

    pair = TextPair(source=source, target=target)
    require_files(pair)
    pairs = side_by_side(pair, read_lines(source), read_lines(target))
    prepare_tensorflow()
    from nmt.translator import Translator

    translator = Translator.open(*checkpoints)
    with bar_at_a_terminal("scoring", source, beside_results=True) as advance:
        while some := list(islice(pairs, PAIRS_AT_ONCE)):
            sources, targets = zip(*some, strict=True)
            for log_prob in translator.score(sources, targets):
                click.echo(f"{log_prob:.6f}")
            advance(len(some))


@click.command()
@checkpoints_option
@click.option("--source", type=FILE, required=True, help="Text to translate.")
@click.option(
    "--reference",
    "references",
    type=FILE,
    required=True,
    multiple=True,
    help="The right translation, line by line; more than once: several of each line.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--lowercase", is_flag=True, help="Ignore case, as sacreBLEU's -lc.")
@click.option(
    "--beam-size",
    type=click.IntRange(1, LARGEST),
    metavar="K",
    help="Search with a beam of this size.  [default: the run's decoding section]",
)
@click.option(
    "--length-penalty",
    type=FiniteRange(0, LARGEST_PENALTY),
    metavar="A",
    help="The beam's length penalty.  [default: the run's decoding section]",
)
@batch_size_option
def evaluate(
    checkpoints: tuple[Path, ...],
    source: Path,
    references: tuple[Path, ...],
    as_json: bool,
    lowercase: bool,
    beam_size: int | None,
    length_penalty: float | None,
    batch_size: int,
) -> None:
    """Translate a text and score it: BLEU, chrF and TER.

    The scores are sacreBLEU's, each with the signature that says how it was computed.

    \b
    Examples:
      nmt evaluate --ckpt runs/mine --source test.en --reference test.de
      nmt evaluate --ckpt runs/mine --source test.en --reference test.de --json
    """
    from nmt import evaluation
    from nmt.config import TextPair
    from nmt.parallel_text import load_pairs, require_files

    pairs = [TextPair(source=source, target=reference) for reference in references]
    require_files(*pairs)
    sources, first = load_pairs(pairs[0])
    others = [load_pairs(pair)[1] for pair in pairs[1:]]
    prepare_tensorflow()
    from nmt.translator import Translator

    translator = Translator.open(*checkpoints)
    evaluation.require_tokenizer(translator.target_language)
    search = translator.search
    if beam_size is not None or length_penalty is not None:
        beam = translator.beam
        search = replace(
            beam,
            beam_size=beam.beam_size if beam_size is None else beam_size,
            length_penalty=(
                beam.length_penalty if length_penalty is None else length_penalty
            ),
        )
    hypotheses = []
    with bar_at_a_terminal("translating", source, beside_results=False) as advance:
        for begin in range(0, len(sources), PAIRS_AT_ONCE):
            some = sources[begin : begin + PAIRS_AT_ONCE]
            found = translator.translate(some, search, batch_size=batch_size)
            hypotheses += [translation.hypotheses[0].text for translation in found]
            advance(len(some))
    scores = evaluation.score(
        hypotheses,
        first,
        *others,
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
