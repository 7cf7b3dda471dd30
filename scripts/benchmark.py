"""How fast a configuration trains and translates here, beside the machine's limit.

    python scripts/benchmark.py CONFIG [--set ...] [--ckpt RUN] [--updates N] [--json]

The README's section on speed says what each figure means.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from nmt import hardware

hardware.prepare()  # before what imports TensorFlow

from speed import decoding, machine, training  # noqa: E402
from speed.arguments import configuration_parser  # noqa: E402

from nmt.config import load_config  # noqa: E402
from nmt.errors import NmtError  # noqa: E402
from nmt.precision import compute_dtype  # noqa: E402
from nmt.run import open_run  # noqa: E402
from nmt.training import LOG_EVERY  # noqa: E402

UPDATES = 300
GIGA = 1e9
Figures = dict[str, Any]


def benchmark(
    config: Path, overrides: list[str], updates: int, checkpoint: Path | None
) -> Figures:
    """All figures, by the names that --json has for them.

    Raises: NmtError before the training for a configuration or a checkpoint that
        cannot be read.
    """
    precision = load_config(config, overrides).training.precision
    if checkpoint:
        open_run(checkpoint)
    with tempfile.TemporaryDirectory() as directory:
        run = Path(directory) / "run"
        before = machine.limit(compute_dtype(precision))
        if code := training.run(config, overrides, updates, run):
            sys.exit(code)  # and nmt train has said why
        return {
            "config": str(config),
            "set": overrides,
            **figures_of(run, checkpoint or run, before),
        }


def figures_of(run: Path, checkpoint: Path, before: float) -> Figures:
    """Of a run that has just ended, and of translating with the checkpoint.

    `before`: the limit, in operations a second, as it was measured before the run.
    """
    trained = training.measured(run)
    dtype = compute_dtype(open_run(run).config.training.precision)
    after = machine.limit(dtype)
    # Machines get slower and faster: the limit is the most that was seen.
    limit = max(before, after)
    return {
        "machine": {
            **machine.description(),
            "limit_gflops": limit / GIGA,
            "limit_gflops_before_and_after": [before / GIGA, after / GIGA],
            "own_shapes_gflops": machine.own_rate(trained.mean_update, dtype) / GIGA,
        },
        "training": _training_figures(trained, limit),
        "decoding": [
            _decoding_figures(search, limit) for search in decoding.run(checkpoint)
        ],
    }


def _training_figures(trained: training.Training, limit: float) -> Figures:
    work, batches = trained.work, trained.batches
    return {
        "updates": trained.updates,
        "sentences_per_batch": work.sentences / batches,
        "source_length": work.source / work.sentences,
        "target_length": work.target / work.sentences,
        "gflop_per_update": trained.operations / trained.updates / GIGA,
        "seconds_per_update": trained.seconds / trained.updates,
        "target_tokens_per_second": trained.target_tokens / trained.seconds,
        "limit_target_tokens_per_second": trained.target_tokens
        / (trained.operations / limit),
        "share_of_limit": trained.operations / trained.seconds / limit,
        "share_of_limit_without_padding": trained.real_operations
        / trained.seconds
        / limit,
        "data_wait": trained.data_wait,
        "padding": trained.padding,
        "peak_megabytes": trained.peak_megabytes,
    }


def _decoding_figures(measured: decoding.Decoding, limit: float) -> Figures:
    return {
        "name": measured.name,
        "sentences": measured.sentences,
        "tokens_per_sentence": measured.tokens / measured.sentences,
        "sentences_per_second": measured.sentences / measured.seconds,
        "tokens_per_second": measured.tokens / measured.seconds,
        "share_of_limit": measured.operations / measured.seconds / limit,
        "tracing_seconds": measured.tracing_seconds,
    }


def table(figures: Figures) -> str:
    """The figures for people."""
    machine, training = figures["machine"], figures["training"]
    rows = {
        "machine": f"{machine['processor']}, {machine['cores']} cores; "
        + ", ".join(machine["devices"]),
        "the limit: a large product": f"{machine['limit_gflops']:,.0f} GFLOP/s",
        "the model's own products": f"{machine['own_shapes_gflops']:,.0f} GFLOP/s",
        "training, target tokens/s": f"{training['target_tokens_per_second']:,.0f}",
        "  the limit's": f"{training['limit_target_tokens_per_second']:,.0f}",
        "  share of the limit": f"{training['share_of_limit']:.1%} "
        f"({training['share_of_limit_without_padding']:.1%} without padding's work)",
        "  waiting for data": f"{training['data_wait']:.1%}",
        "  padding": f"{training['padding']:.1%}",
        "  an update": f"{training['gflop_per_update']:.1f} GFLOP, "
        f"{training['seconds_per_update']:.3f} s",
        "  a batch, on average": f"{training['sentences_per_batch']:.1f} sentences, "
        f"{training['source_length']:.1f} source and "
        f"{training['target_length']:.1f} target positions",
        "  peak memory": f"{training['peak_megabytes']:,.0f} MB",
    }
    for search in figures["decoding"]:
        rows[f"{search['name']}, sentences/s"] = (
            f"{search['sentences_per_second']:,.1f} "
            f"({search['share_of_limit']:.0%} of the limit; "
            f"{search['tokens_per_sentence']:.1f} tokens a sentence; "
            f"tracing, once: {search['tracing_seconds']:.1f} s)"
        )
    return "\n".join(f"{name:<44}{value}" for name, value in rows.items())


def main() -> None:
    parser = configuration_parser("scripts/benchmark")
    parser.add_argument(
        "--ckpt",
        type=Path,
        metavar="RUN",
        help="translate with this run, not with the one that is trained here",
    )
    parser.add_argument(
        "--updates",
        type=int,
        default=UPDATES,
        metavar="N",
        help=f"of the training (default {UPDATES}); the first {LOG_EVERY} do not count",
    )
    parser.add_argument(
        "--json", action="store_true", help="more figures, for programs"
    )
    arguments = parser.parse_args()
    if arguments.updates <= LOG_EVERY:
        parser.error(f"--updates has to be more than {LOG_EVERY}")
    try:
        figures = benchmark(
            arguments.config, arguments.set, arguments.updates, arguments.ckpt
        )
    except NmtError as error:
        sys.exit(f"scripts/benchmark: {error}")
    print(json.dumps(figures, indent=2) if arguments.json else table(figures))


if __name__ == "__main__":
    main()
