"""The command `nmt export`: a SavedModel of a trained model.

Knows nothing of tensors. What imports TensorFlow is imported inside the command.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from nmt.cli_options import (
    FILE,
    beam_options,
    check_lengths,
    check_nbest,
    checkpoint_help,
    length_options,
)
from nmt.search_settings import Beam, Greedy, Sample


@dataclass(frozen=True)
class ExportRequest:
    """What `nmt export` was asked, however the export then searches."""

    checkpoints: tuple[Path, ...]
    output: Path | None


@click.group(invoke_without_command=True)
@click.option("--ckpt", "checkpoints", type=FILE, multiple=True, help=checkpoint_help)
@click.option(
    "--output", type=FILE, help="The SavedModel: a new or an empty directory."
)
@click.pass_context
def export(context: click.Context, /, **request: Any) -> None:
    """Write a SavedModel that translates raw text and needs no nmt.

    It searches as the run's decoding section says, or as a subcommand does.

    \b
    Example: nmt export --ckpt runs/multi30k_en_de --output models/en_de/1
    """
    context.obj = ExportRequest(**request)
    if context.invoked_subcommand is None:
        _export(context.obj, None)


@export.command()
@length_options
@click.pass_obj
def greedy(request: ExportRequest, /, **given: Any) -> None:
    """Export a model that takes the likeliest token at every step.

    \b
    Example: nmt export --ckpt runs/multi30k_en_de --output models/fast/1 greedy
    """
    _export(request, Greedy, **given)


@export.command()
@length_options
@beam_options
@click.pass_obj
def beam(request: ExportRequest, /, **given: Any) -> None:
    """Export a model that translates by beam search.

    \b
    Example: nmt export --ckpt runs/en_de --output models/en_de/2 beam --nbest 5
    """
    check_nbest(given)
    _export(request, Beam, **given)


def _export(
    request: ExportRequest, search_type: type[Greedy | Beam] | None, **given: Any
) -> None:
    """Exports what the request names; `search_type` None: as the run's config says."""
    if not request.checkpoints or request.output is None:
        raise click.UsageError(
            "give a --ckpt PATH, a run directory or a checkpoint, and an --output DIR, "
            "before the subcommand: nmt export --ckpt PATH --output DIR ..."
        )
    check_lengths(given)
    from nmt import hardware

    hardware.prepare()
    from nmt import export as exporting
    from nmt.translator import Translator

    exporting.check_free(request.output)
    translator = Translator.open(*request.checkpoints)
    search = translator.search
    if search_type:
        search = search_type(**given)
    assert not isinstance(search, Sample)
    exporting.save(translator, request.output, search)
