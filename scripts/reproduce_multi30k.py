"""Trains the configurations of Multi30k with several seeds, and prints their scores.

    python scripts/reproduce_multi30k.py [--text FOLDER] [--seeds N...] [--set ...]

Of each seed: a model of each direction, what both make of the training text, and from
each model one that has learnt from that as well. Knows nothing of models: it runs `nmt
train`, `nmt translate` and `nmt evaluate`, as a user would. Run again, it goes on where
it was: a run that has ended is not trained again.
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


@dataclass(frozen=True)
class Seed:
    """The runs of one seed."""

    number: int
    text: Path
    runs: Path
    overrides: Sequence[str]  # of every run

    def run(self, name: str) -> Path:
        """The directory of the run by `configs/multi30k_NAME.yaml`."""
        return self.runs / f"multi30k_{name}-{self.number}"

    def learn(self, pair: str) -> None:
        """Trains from the text alone."""
        source, target = PAIRS[pair]
        pairs = [(self.text / f"train.{source}", self.text / f"train.{target}")]
        self._train(pair, pair, pairs)

    def diversify(self, pair: str) -> None:
        """Goes on from there, with what both directions have translated."""
        source, target = PAIRS[pair]
        sources, targets = self.text / f"train.{source}", self.text / f"train.{target}"
        pairs = [
            (sources, targets),
            (self._translated(f"{target}_{source}"), targets),
            (sources, self._translated(pair)),
        ]
        beginning = f"training.start_from={self.run(pair)}"
        self._train(pair, f"{pair}_diversified", pairs, beginning)

    def score(self, pair: str, name: str) -> Scores:
        """What `nmt evaluate` says of the run's best checkpoint."""
        source, target = PAIRS[pair]
        found = {}
        for column, (part, options) in COLUMNS.items():
            files = ["--source", f"{self.text}/{part}.{source}"]
            files += ["--reference", f"{self.text}/{part}.{target}"]
            run = str(self.run(name))
            printed = nmt("evaluate", "--ckpt", run, "--json", *files, *options)
            found[column] = json.loads(printed)["bleu"]
        return Scores(
            {column: bleu["score"] for column, bleu in found.items()},
            {column: bleu["signature"] for column, bleu in found.items()},
        )

    def _train(
        self, pair: str, name: str, pairs: Sequence[tuple[Path, Path]], *more: str
    ) -> None:
        source, target = PAIRS[pair]
        files = [{"source": str(one), "target": str(other)} for one, other in pairs]
        settings = [
            f"run_dir={self.run(name)}",
            f"training.seed={self.number}",
            f"data.train={json.dumps(files, ensure_ascii=False)}",
            f"data.validation.source={self.text}/val.{source}",
            f"data.validation.target={self.text}/val.{target}",
            *more,
            *self.overrides,
        ]
        config = PROJECT / "configs" / f"multi30k_{name}.yaml"
        nmt("train", str(config), *(f"--set={setting}" for setting in settings))

    def _translated(self, pair: str) -> Path:
        """What the run makes of its training source."""
        source, target = PAIRS[pair]
        output = self.runs / f"multi30k_{pair}-{self.number}.train.{target}"
        if not output.exists():  # it is there when it is whole
            files = ["--input", f"{self.text}/train.{source}", "--output", str(output)]
            search = ["beam", "--beam-size", "5"]
            nmt("translate", "--ckpt", str(self.run(pair)), *files, *search)
        return output


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


def table(name: str, by_seed: dict[int, Scores]) -> Iterator[str]:
    """Markdown: a row a seed, then mean and deviation (of a sample, n - 1)."""
    yield f"| {name} | {' | '.join(COLUMNS)} |"
    yield "|---" * (len(COLUMNS) + 1) + "|"
    for seed, found in by_seed.items():
        yield row(f"seed {seed}", [found.bleu[column] for column in COLUMNS])
    columns = [[found.bleu[each] for found in by_seed.values()] for each in COLUMNS]
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
    seeds = [
        Seed(number, arguments.text, arguments.runs, arguments.set)
        for number in arguments.seeds
    ]
    for seed in seeds:
        for pair in PAIRS:
            seed.learn(pair)
        for pair in PAIRS:
            seed.diversify(pair)
    for pair in PAIRS:
        for name in pair, f"{pair}_diversified":
            by_seed = {seed.number: seed.score(pair, name) for seed in seeds}
            print("\n".join(table(name, by_seed)))
            for column, signature in by_seed[seeds[0].number].signatures.items():
                print(f"{column}: {signature}")
            print(flush=True)


if __name__ == "__main__":
    main()
