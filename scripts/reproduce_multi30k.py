"""Trains the configurations of Multi30k with several seeds, and prints their scores.

    python scripts/reproduce_multi30k.py [--text FOLDER] [--seeds N...] [--set ...]

Of each seed: a model of each direction, and one that goes on from the English-German
one with what all of them make of the training text: other seeds are another text, and
need another --runs. Knows nothing of models: it runs `nmt train`, `nmt translate` and
`nmt evaluate`, as a user would. Run again, it goes on where it was: a run that has
ended is not trained again.
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

from nmt.config import TextPair
from nmt.errors import NmtError
from nmt.parallel_text import require_files
from nmt.signals import handled

PROJECT = Path(__file__).parent.parent
# Source and target, by the name of a configuration.
DIVERSIFIED = "en_de_diversified"
LANGUAGES = {"en_de": ("en", "de"), "de_en": ("de", "en"), DIVERSIFIED: ("en", "de")}
# The columns: which file, and whether case counts.
COLUMNS = {
    "validation, -lc": ("val", ["--lowercase"]),
    "test, -lc": ("test_2016_flickr", ["--lowercase"]),
    "test, cased": ("test_2016_flickr", []),
}
# The translations of three seeds make a text of seven times the lines: one epoch of it
# is about as long as the configuration's two, of one seed's, and validated four times.
OF_SEVERAL_SEEDS = ["training.epochs=1", "training.validate_every=793"]


@dataclass(frozen=True)
class Scores:
    """BLEU of one run, by column, and the signatures that they were computed by."""

    bleu: dict[str, float]
    signatures: dict[str, str]


@dataclass(frozen=True)
class Models:
    """The runs, by the name of their configuration and by seed."""

    seeds: Sequence[int]
    text: Path
    runs: Path

    def run(self, name: str, seed: int) -> Path:
        """The directory of the run by `configs/multi30k_NAME.yaml`."""
        return self.runs / f"multi30k_{name}-{seed}"

    def learn(self, name: str, seed: int, overrides: Sequence[str]) -> None:
        """Trains from the text alone."""
        source, target = LANGUAGES[name]
        self._train(name, seed, [(self._text(source), self._text(target))], overrides)

    def diversify(self, seed: int, overrides: Sequence[str]) -> None:
        """Goes on from English-German, with what all runs of `learn` translate."""
        english, german = self._text("en"), self._text("de")
        files = [
            (english, german),
            *((self._translated("de_en", each), german) for each in self.seeds),
            *((english, self._translated("en_de", each)) for each in self.seeds),
        ]
        settings = [
            # Absolute, because a run is known by it.
            f"training.start_from={self.run('en_de', seed).resolve()}",
            *(OF_SEVERAL_SEEDS if len(self.seeds) > 1 else []),
        ]
        self._train(DIVERSIFIED, seed, files, [*settings, *overrides])

    def score(self, name: str, seed: int) -> Scores:
        """What `nmt evaluate` says of the run's best checkpoint."""
        source, target = LANGUAGES[name]
        found = {}
        for column, (part, options) in COLUMNS.items():
            files = ["--source", f"{self.text}/{part}.{source}"]
            files += ["--reference", f"{self.text}/{part}.{target}"]
            run = str(self.run(name, seed))
            printed = nmt("evaluate", "--ckpt", run, "--json", *files, *options)
            found[column] = json.loads(printed)["bleu"]
        return Scores(
            {column: bleu["score"] for column, bleu in found.items()},
            {column: bleu["signature"] for column, bleu in found.items()},
        )

    def _text(self, language: str) -> Path:
        return self.text / f"train.{language}"

    def _train(
        self,
        name: str,
        seed: int,
        files: Sequence[tuple[Path, Path]],
        overrides: Sequence[str],
    ) -> None:
        source, target = LANGUAGES[name]
        pairs = [{"source": str(one), "target": str(other)} for one, other in files]
        settings = [
            f"run_dir={self.run(name, seed)}",
            f"training.seed={seed}",
            f"data.train={json.dumps(pairs, ensure_ascii=False)}",
            f"data.validation.source={self.text}/val.{source}",
            f"data.validation.target={self.text}/val.{target}",
            *overrides,
        ]
        config = PROJECT / "configs" / f"multi30k_{name}.yaml"
        nmt("train", str(config), *(f"--set={setting}" for setting in settings))

    def _translated(self, name: str, seed: int) -> Path:
        """What the run makes of its training source, by its best checkpoint."""
        source, target = LANGUAGES[name]
        run = self.run(name, seed)
        output = self.runs / f"{run.name}.train.{target}"  # there when it is whole
        best = run / "checkpoints" / "best"  # which names the checkpoint
        if output.exists() and output.stat().st_mtime > best.stat().st_mtime:
            return output
        files = ["--input", str(self._text(source)), "--output", str(output)]
        search = ["beam", "--length-penalty", "1.4"]
        nmt("translate", "--ckpt", str(run), *files, *search)
        return output


def require_text(folder: Path) -> None:
    """Ends in words if a file is missing: the last ones are read hours later."""
    pairs = [
        TextPair(source=folder / f"{part}.en", target=folder / f"{part}.de")
        for part in ("train", *(part for part, _ in COLUMNS.values()))
    ]
    try:
        require_files(*pairs)
    except NmtError as error:
        sys.exit(
            f"reproduce_multi30k: {error}\nscripts/get_multi30k fills data/multi30k; "
            "--text FOLDER names another folder"
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
    parser.add_argument(
        "--seeds",
        type=int,
        nargs="+",
        default=[1, 2, 3],
        metavar="N",
        help="(default 1 2 3) others than before need another --runs: the last models "
        "learn from what those of all seeds translate",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SECTION.KEY=VALUE",
        help="as for nmt train, for all runs; another --runs keeps them apart from "
        "those that are there",
    )
    parser.add_argument(
        "--set-diversified",
        action="append",
        default=[],
        metavar="SECTION.KEY=VALUE",
        help="over those of --set, for the run that goes on with translations",
    )
    parser.add_argument(
        "--runs",
        type=Path,
        default=Path("runs"),
        metavar="FOLDER",
        help="where the runs are, or begin (default runs)",
    )
    arguments = parser.parse_args()
    require_text(arguments.text)
    models = Models(arguments.seeds, arguments.text, arguments.runs)
    for seed in models.seeds:
        for name in ("en_de", "de_en"):
            models.learn(name, seed, arguments.set)
    for seed in models.seeds:
        models.diversify(seed, [*arguments.set, *arguments.set_diversified])
    for name in LANGUAGES:
        found = {seed: models.score(name, seed) for seed in models.seeds}
        print("\n".join(table(name, found)))
        for column, signature in found[models.seeds[0]].signatures.items():
            print(f"{column}: {signature}")
        print(flush=True)


if __name__ == "__main__":
    main()
