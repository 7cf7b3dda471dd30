"""Trains the configurations of Multi30k with several seeds, and prints their scores.

    python scripts/reproduce_multi30k.py [--text FOLDER] [--seeds N...] [--set ...]

Knows nothing of models: it runs `nmt train` and `nmt evaluate`, as a user would. Run
again, it goes on where it was: a run that has ended is not trained again.
"""

import argparse
import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev

from nmt.signals import handled

PROJECT = Path(__file__).parent.parent
PAIRS = {"en_de": ("en", "de"), "de_en": ("de", "en")}
# The columns: which file, and whether case counts.
COLUMNS = {
    "validation, -lc": ("val", ["--lowercase"]),
    "test, -lc": ("test_2016_flickr", ["--lowercase"]),
    "test, cased": ("test_2016_flickr", []),
}


@dataclass(frozen=True)
class Scores:
    """BLEU of one run, by column, and the signatures that they were computed by."""

    bleu: dict[str, float]
    signatures: dict[str, str]


def train(
    pair: str, seed: int, text: Path, runs: Path, overrides: Sequence[str]
) -> Path:
    """The directory of the run, which has ended."""
    source, target = PAIRS[pair]
    run = runs / f"multi30k_{pair}-{seed}"
    settings = [
        f"run_dir={run}",
        f"training.seed={seed}",
        f"data.train.source={text}/train.{source}",
        f"data.train.target={text}/train.{target}",
        f"data.validation.source={text}/val.{source}",
        f"data.validation.target={text}/val.{target}",
        *overrides,
    ]
    config = PROJECT / "configs" / f"multi30k_{pair}.yaml"
    nmt("train", str(config), *(f"--set={setting}" for setting in settings))
    return run


def scores(pair: str, run: Path, text: Path) -> Scores:
    """What `nmt evaluate` says of the run's best checkpoint."""
    source, target = PAIRS[pair]
    found = {}
    for column, (name, options) in COLUMNS.items():
        files = ["--source", f"{text}/{name}.{source}"]
        files += ["--reference", f"{text}/{name}.{target}"]
        printed = nmt("evaluate", "--ckpt", str(run), "--json", *files, *options)
        found[column] = json.loads(printed)["bleu"]
    return Scores(
        {column: bleu["score"] for column, bleu in found.items()},
        {column: bleu["signature"] for column, bleu in found.items()},
    )


def nmt(*arguments: str) -> str:
    """What the command prints; what it says goes to the terminal.

    In a session of its own, so that a signal reaches it once: from here. It saves, and
    ends by itself.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "nmt", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with handled(lambda number, _: process.send_signal(number)):
        printed, _ = process.communicate()
    if process.returncode < 0:
        name = signal.Signals(-process.returncode).name
        sys.exit(
            f"nmt {arguments[0]} was ended by {name} (SIGKILL: no memory was left?)"
        )
    if process.returncode:
        sys.exit(process.returncode)  # and nmt has said why
    return printed


def table(pair: str, by_seed: dict[int, Scores]) -> Iterator[str]:
    """Markdown: a row a seed, then mean and deviation (of a sample, n - 1)."""
    yield f"| {pair} | {' | '.join(COLUMNS)} |"
    yield "|---" * (len(COLUMNS) + 1) + "|"
    for seed, found in by_seed.items():
        yield row(f"seed {seed}", [found.bleu[column] for column in COLUMNS])
    columns = [[found.bleu[name] for found in by_seed.values()] for name in COLUMNS]
    yield row("mean", map(mean, columns))
    if len(by_seed) > 1:
        yield row("deviation", map(stdev, columns))


def row(name: str, values: Iterator[float] | Sequence[float]) -> str:
    return f"| {name} | {' | '.join(f'{value:.2f}' for value in values)} |"


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/reproduce_multi30k")
    parser.add_argument(
        "--text",
        type=Path,
        default=Path("data/multi30k"),
        metavar="FOLDER",
        help="where train.en and the others are (default data/multi30k, which "
        "scripts/get_multi30k fills)",
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], metavar="N")
    parser.add_argument("--pairs", nargs="+", default=list(PAIRS), choices=PAIRS)
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SECTION.KEY=VALUE",
        help="as for nmt train; with --runs, for a run keeps what it was begun with",
    )
    parser.add_argument(
        "--runs",
        type=Path,
        default=Path("runs"),
        metavar="FOLDER",
        help="where the runs are, or begin (default runs)",
    )
    arguments = parser.parse_args()
    for pair in arguments.pairs:
        by_seed = {}
        for seed in arguments.seeds:
            run = train(pair, seed, arguments.text, arguments.runs, arguments.set)
            by_seed[seed] = scores(pair, run, arguments.text)
        print("\n".join(table(pair, by_seed)))
        for column, signature in by_seed[arguments.seeds[0]].signatures.items():
            print(f"{column}: {signature}")
        print(flush=True)


if __name__ == "__main__":
    main()
