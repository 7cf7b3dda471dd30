"""The options, and the checks of them, that the commands share.

Knows nothing of tensors. What imports TensorFlow, or matplotlib, is imported inside a
function.
"""

import logging
import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from nmt.search_settings import (
    BATCH_SIZE,
    LARGEST_NGRAM,
    LARGEST_PENALTY,
    Beam,
    Greedy,
)

Command = TypeVar("Command", bound=Callable[..., Any])

FILE = click.Path(path_type=Path)

# More than anybody means.
LARGEST = 100_000


class FiniteRange(click.FloatRange):
    """Numbers in a range; `nan`, which click lets into any range, is in none."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:
        """The number that `value` spells; anything else is a wrong command line."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return number


def prepare_tensorflow() -> None:
    """Call it before anything that imports TensorFlow, in a command that translates."""
    from nmt import hardware

    hardware.prepare_to_translate()
    for trouble in hardware.gpu_troubles():
        click.echo(f"nmt: {trouble}; going on with the processor", err=True)


@contextmanager
def bar_at_a_terminal(
    name: str, text: Path | None, *, beside_results: bool
) -> Iterator[Callable[[int], None]]:
    """A bar of the lines of `text`; what it gives is told how many more are done.

    There is none where their number is not known, as of standard input (None), nor
    beside results that a terminal shows as they come.
    """
    from nmt.parallel_text import count_lines
    from nmt.terminal import bar_of_lines

    hidden = not sys.stderr.isatty() or (beside_results and sys.stdout.isatty())
    if hidden or text is None or not text.is_file():
        yield lambda lines: None
    else:
        with bar_of_lines(name, count_lines(text)) as advance:
            yield advance


def quieten_matplotlib() -> None:
    """Keeps back its own remarks, as on the first use of its list of fonts."""
    logging.getLogger("matplotlib").setLevel(logging.ERROR)


def picture_format(output: Path) -> str:
    """The format to draw in, by the name of the file; prepares matplotlib.

    Raises: UsageError for a name that says none.
    """
    quieten_matplotlib()
    from nmt.drawing import FORMATS

    format = output.suffix.lower().removeprefix(".")
    if format not in FORMATS:
        raise click.UsageError(
            f"--output {output}: the name has to end in one of "
            f"{', '.join(f'.{name}' for name in FORMATS)}, which says what to draw"
        )
    return format


checkpoint_help = (
    "A run directory (its best checkpoint), or one of its checkpoints; several "
    "translate together, as an ensemble."
)
batch_size_option = click.option(
    "--batch-size",
    type=click.IntRange(1, LARGEST),
    metavar="N",
    default=BATCH_SIZE,
    show_default=True,
    help="Sentences translated at once, at most; translations do not depend on it, but "
    "for rounding.",
)


def options(*all_options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Several options as one decorator; help lists them in this order."""

    def decorate(command: Command) -> Command:
        for option in reversed(all_options):
            command = option(command)
        return command

    return decorate


length_options = options(
    click.option(
        "--min-length",
        type=click.IntRange(0, LARGEST),
        metavar="N",
        default=Greedy.min_length,
        show_default=True,
        help="Tokens that a translation has at least.",
    ),
    click.option(
        "--max-length",
        type=click.IntRange(1, LARGEST),
        metavar="N",
        help="Tokens that a translation has at most.  "
        "[default: twice those of the source, and 10]",
    ),
)
beam_options = options(
    click.option(
        "--beam-size",
        type=click.IntRange(1, LARGEST),
        metavar="K",
        default=Beam.beam_size,
        show_default=True,
        help="Hypotheses that are kept at every step.",
    ),
    click.option(
        "--length-penalty",
        type=FiniteRange(0, LARGEST_PENALTY),
        metavar="A",
        default=Beam.length_penalty,
        show_default=True,
        help="A in score = log-probability / length^A, the end of sentence counted: 0 "
        "favours short translations.",
    ),
    click.option(
        "--coverage-penalty",
        type=FiniteRange(0, LARGEST_PENALTY),
        metavar="B",
        default=Beam.coverage_penalty,
        show_default=True,
        help="B in score + B * coverage: above 0, favours what leaves no source word "
        "unattended (Wu et al. 2016).",
    ),
    click.option(
        "--no-repeat-ngram",
        type=click.IntRange(0, LARGEST_NGRAM),
        metavar="N",
        default=Beam.no_repeat_ngram,
        show_default=True,
        help="No translation has the same N tokens in a row twice, though it may then "
        "end before --min-length; 0: any may.",
    ),
    click.option(
        "--nbest",
        type=click.IntRange(1, LARGEST),
        metavar="N",
        default=Beam.nbest,
        show_default=True,
        help="Distinct translations of a sentence; `nmt translate` writes 2 or more as "
        "n-best lines.",
    ),
)


def check_nbest(given: dict[str, Any]) -> None:
    """Raises: click.UsageError for more translations than the beam holds."""
    if given["nbest"] > given["beam_size"]:
        raise click.UsageError(
            f"--nbest {given['nbest']} is more than --beam-size "
            f"{given['beam_size']}: a beam holds no more than its size"
        )


def check_lengths(given: dict[str, Any]) -> None:
    """Raises: click.UsageError for lengths that no translation can have."""
    if given.get("max_length") and given["max_length"] < given["min_length"]:
        raise click.UsageError(
            f"--min-length {given['min_length']} is more than --max-length "
            f"{given['max_length']}"
        )
