"""The command `nmt plot`: the learning curves of runs.

Knows nothing of what is in a picture. matplotlib is imported inside the command, and
TensorFlow not at all.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import click

from nmt.cli_options import FILE, picture_format
from nmt.errors import in_one_line
from nmt.files import replacing
from nmt.history import read_history


@click.command()
@click.argument("runs", type=FILE, nargs=-1, required=True, metavar="RUN...")
@click.option(
    "--output",
    type=FILE,
    required=True,
    help="The picture: .png, .svg or .pdf, by its name.",
)
def plot(runs: Sequence[Path], output: Path) -> None:
    """Draw loss, scores, learning rate and speed of runs.

    \b
    Example: nmt plot runs/mine runs/mine-2 --output curves.pdf
    """
    format = picture_format(output)
    names = _names(list(dict.fromkeys(runs)))
    histories = {name: read_history(run) for name, run in names.items()}
    from nmt.plots import draw_runs

    picture = draw_runs(histories, format)
    with replacing(output) as unfinished:
        unfinished.write_bytes(picture)


def _names(runs: Sequence[Path]) -> dict[str, Path]:
    """Runs by name: that of the directory, or the path where two have the same."""
    names = [Path(os.path.abspath(run)).name for run in runs]
    if len(set(names)) < len(names):
        names = [str(run) for run in runs]
    # What is no text in them cannot be drawn. Escaped, they differ as before.
    texts = [os.fsencode(name).decode(errors="backslashreplace") for name in names]
    shown = [in_one_line(text, len(text)) for text in texts]
    return dict(zip(shown, runs, strict=True))
