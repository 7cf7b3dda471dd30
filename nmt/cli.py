"""The command line: one thin function a command, and errors turned into messages.

Knows nothing of tensors. What imports TensorFlow is imported inside the commands, so
that help and the errors of a configuration are there at once.
"""

import io
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import click

from nmt.cli_attention import attention
from nmt.cli_averaging import average
from nmt.cli_export import export
from nmt.cli_options import FILE, quieten_matplotlib
from nmt.cli_plot import plot
from nmt.cli_report import report
from nmt.cli_scoring import evaluate, score
from nmt.cli_translation import translate
from nmt.errors import DataError, NmtError, in_one_line, is_out_of_memory
from nmt.signals import handled

# A reader that has gone away, in the shell's terms: 128 + SIGPIPE.
EXIT_BROKEN_PIPE = 141
# Control-C: 128 + SIGINT.
EXIT_INTERRUPTED = 130
# SIGHUP: the terminal was closed.
ENDING_SIGNALS = [signal.SIGTERM, signal.SIGHUP]


OUT_OF_MEMORY = (
    "out of memory: what was asked for is larger than this machine, or its GPU, holds; "
    "lower training.batch_size (or batch_tokens), data.max_length or the sizes of the "
    "model to train, --batch-size, --beam-size or --max-length to translate"
)


class Boundary(click.Group):
    """The one place where errors become messages and exit codes."""

    def list_commands(self, context: click.Context) -> list[str]:
        """In the order in which one comes to need them, which help keeps."""
        return list(self.commands)

    def invoke(self, context: click.Context) -> Any:
        """Runs the command; what it may end with becomes a message and a code."""
        # Their default would leave unfinished files behind.
        try:
            with handled(_exit_by_signal, ENDING_SIGNALS):
                result = super().invoke(context)
            # Here rather than at the interpreter's end, where a full disk would be a
            # traceback.
            sys.stdout.flush()
            return result
        except NmtError as error:
            # Names of files may hold what moves a cursor, or is no UTF-8.
            lines = [in_one_line(line, len(line)) for line in str(error).split("\n")]
            raise click.ClickException("\n".join(lines)) from error
        except KeyboardInterrupt:
            context.exit(EXIT_INTERRUPTED)
        except BrokenPipeError:
            _abandon_stdout()
            context.exit(EXIT_BROKEN_PIPE)
        except OSError as error:
            _abandon_stdout()
            where = error.filename or "standard input or output"
            raise click.ClickException(f"{where}: {error.strerror or error}") from error
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            raise click.ClickException(OUT_OF_MEMORY) from error


def _exit_by_signal(number: int, _: FrameType | None) -> NoReturn:
    sys.exit(128 + number)


def _abandon_stdout() -> None:
    """Drops what could not be written: the interpreter would try again at its end."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@click.group(cls=Boundary)
@click.version_option(package_name="nmt", message="%(prog)s %(version)s")
def main() -> None:
    """Train and use attention-GRU translation models.

    \b
    Examples:
      nmt check mine.yaml                        what is in the text
      nmt train mine.yaml                        train; run again, it goes on
      nmt translate --ckpt runs/mine < input.en  use what was trained
    """
    # Python has None for what was closed, as by a daemon: as good as empty.
    sys.stdin = sys.stdin or open(os.devnull)
    sys.stdout = sys.stdout or open(os.devnull, "w")
    sys.stderr = sys.stderr or open(os.devnull, "w")
    # UTF-8 whatever the locale, one write a line: who reads a pipe waits for lines.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(
                encoding="utf-8",
                errors="backslashreplace",  # file names that are no UTF-8
                newline="\n",
                line_buffering=True,
            )


set_option = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="SECTION.KEY=VALUE",
    help="Put a value over that of CONFIG, in YAML's syntax; repeatable.",
)


@main.command()
@click.argument("config", type=FILE)
@set_option
@click.option(
    "--dry-run",
    is_flag=True,
    help="Run the largest batch once: memory and time; train nothing.",
)
@click.option("--restart", is_flag=True, help="Move an old run aside and start anew.")
@click.option("--quiet", is_flag=True, help="Say warnings and the last line only.")
@click.option(
    "--verbose",
    is_flag=True,
    help="Say figures between validations, too, and TensorFlow's log.",
)
def train(
    config: Path,
    overrides: tuple[str, ...],
    dry_run: bool,
    restart: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Train a model; the same command again resumes.

    CONFIG is a YAML file; docs/configuration.md has its keys. All that is made goes
    into its run_dir. Ctrl-C saves a checkpoint and says how to go on.

    \b
    Examples:
      nmt train mine.yaml
      nmt train mine.yaml --dry-run
      nmt train mine.yaml --set training.seed=2 --set run_dir=runs/mine-2
    """
    from nmt.config import load_config

    if dry_run and restart:
        raise click.UsageError("--dry-run trains nothing: it has nothing to --restart")
    if quiet and verbose:
        raise click.UsageError("--quiet and --verbose: one of the two")
    settings = load_config(config, overrides)
    from nmt import hardware

    if verbose:
        os.environ["NMT_TENSORFLOW_LOG"] = "1"
    hardware.prepare()
    quieten_matplotlib()
    from nmt import rehearsal, starting
    from nmt.signals import Interrupted
    from nmt.terminal import Verbosity

    if dry_run:
        click.echo(rehearsal.dry_run(settings))
        return
    verbosity = Verbosity.QUIET if quiet else Verbosity.NORMAL
    if verbose:
        verbosity = Verbosity.VERBOSE
    try:
        starting.train(settings, restart=restart, verbosity=verbosity)
    except Interrupted as interruption:
        click.get_current_context().exit(128 + interruption.signal_number)


@main.command()
@click.argument("config", type=FILE)
@set_option
def check(config: Path, overrides: tuple[str, ...]) -> None:
    """Read the configuration and its data, and say what is in them.

    The report has the numbers of lines, lengths, empty lines, pairs of odd lengths,
    duplicates, and what training and validation share. Nothing is trained.

    \b
    Example: nmt check mine.yaml
    """
    from nmt.config import load_config
    from nmt.inspection import inspect_corpus

    report = inspect_corpus(load_config(config, overrides).data)
    click.echo(report)
    if report.errors:
        raise DataError(
            f"{config}: no model can be trained on this data:\n"
            + "\n".join(report.errors)
        )


@main.command()
@click.argument("path", type=FILE)
def info(path: Path) -> None:
    """Say what a run is: languages, sizes, step, scores, devices.

    PATH is a run directory, of which it takes the best checkpoint, or a checkpoint.

    \b
    Examples:
      nmt info runs/mine
      nmt info runs/mine/checkpoints/last
    """
    from nmt import hardware

    hardware.prepare()
    from nmt.run import open_run

    run = open_run(path)
    data, sizes, tokenizers = run.config.data, run.config.model, run.tokenizers
    start_from = run.config.training.start_from
    facts = {
        "checkpoint": run.checkpoint,
        "languages": f"{data.source_language or '?'} -> {data.target_language or '?'}",
        "tokenizer": f"{run.config.tokenizer.type}, "
        f"{tokenizers.source.vocab_size} -> {tokenizers.target.vocab_size} tokens"
        + (", one vocabulary" if tokenizers.joint else ""),
        "model": f"{sizes.decoder_cell}, {sizes.attention} attention",
        "sizes": f"embedding {sizes.embedding_size}, encoder {sizes.encoder_layers} x "
        f"2 x {sizes.encoder_size}, decoder {sizes.decoder_size}",
        "parameters": f"{run.model().parameters.count:,}",
        **({"started from": start_from} if start_from else {}),
        "step": run.state.step,
        "epoch": run.state.last_epoch,
        # An average of checkpoints has not been validated at its last one's step.
        **(
            _validation_scores(run.directory, run.state.step)
            if run.checkpoint.resolve().name == run.state.name
            else {}
        ),
        "devices": "; ".join([", ".join(hardware.devices()), *hardware.gpu_troubles()]),
    }
    for name, fact in facts.items():
        click.echo(f"{name:12} {fact}")


def _validation_scores(directory: Path, step: int) -> dict[str, str]:
    """What validation said after that step, if the run's metrics are there to tell."""
    from nmt.history import record_of
    from nmt.run import RunDirectory
    from nmt.text import open_input, read_lines_leniently

    metrics = RunDirectory(directory).metrics
    if not metrics.exists():
        return {}
    with open_input(metrics) as stream:
        lines = list(read_lines_leniently(stream))
    for line in lines:
        record = record_of(line)
        # A line that a crash cut short, or that is not ours, says nothing.
        if record and (record["kind"], record["step"]) == ("validation", step):
            names = ("loss", "perplexity", "bleu", "chrf")
            # null stands for what was not finite.
            return {
                name: "not finite" if value is None else f"{value:.2f}"
                for name in names
                for value in [record.get(name)]
            }
    return {}


main.add_command(translate)
main.add_command(evaluate)
main.add_command(score)
main.add_command(attention)
main.add_command(plot)
main.add_command(report)
main.add_command(export)
main.add_command(average)
