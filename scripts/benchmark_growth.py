"""How time and memory grow with vocabulary, length, batch and beam.

    python scripts/benchmark_growth.py CONFIG.yaml [--set ...] [--json]

The README's section on speed says what each figure means.
"""

import json
import sys
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict
from itertools import groupby

from nmt import hardware

hardware.prepare()  # before what imports TensorFlow, here and in each point's process

from speed.arguments import configuration_parser  # noqa: E402
from speed.growth import Measured, Point, measured  # noqa: E402
from speed.processes import alone  # noqa: E402

from nmt.config import Config, load_config  # noqa: E402
from nmt.errors import NmtError  # noqa: E402

POINTS = {
    "vocabulary": [Point(vocabulary=size) for size in (8000, 16000, 32000)],
    "length": [Point(length=length) for length in (25, 50, 100)],
    "batch": [Point(batch=sentences) for sentences in (32, 64, 128, 256)],
    "beam": [Point(beam=hypotheses) for hypotheses in (1, 2, 4, 8, 16)],
}


def grow(config: Config) -> Iterator[tuple[str, Measured]]:
    """Each point beside the name of what grows; each in a process of its own.

    Raises: NmtError where one is killed.
    """
    for name, points in POINTS.items():
        for point in points:
            try:
                yield name, alone(measured, config, point)
            except BrokenProcessPool:
                raise NmtError(
                    f"{name} {getattr(point, name)}: its process was killed; usual "
                    "cause: no memory was left"
                ) from None


def row(name: str, point: Measured) -> str:
    return (
        f"{name:<12}{getattr(point.point, name):>8,}"
        f"{point.target_tokens / point.seconds:>12,.0f}"
        f"{point.seconds:>10.3f}"
        f"{point.operations / 1e9:>10,.1f}"
        f"{point.operations / point.seconds / 1e9:>10,.0f}"
        f"{point.peak_megabytes:>10,.0f}"
        f"{point.weights_megabytes:>10,.0f}"
    )


def show(config: Config, *, as_json: bool) -> None:
    """Prints every point, those of the table as soon as they are measured."""
    if as_json:
        points = [{"growing": name, **asdict(point)} for name, point in grow(config)]
        print(json.dumps(points, indent=2))
        return
    print(
        f"{'growing':<12}{'to':>8}{'tokens/s':>12}{'seconds':>10}{'GFLOP':>10}"
        f"{'GFLOP/s':>10}{'peak MB':>10}{'weights':>10}"
    )
    for _, named in groupby(grow(config), lambda named: named[0]):
        for name, point in named:
            print(row(name, point), flush=True)
        print()


def main() -> None:
    parser = configuration_parser(
        "scripts/benchmark_growth",
        set_help="as for nmt train; tokenizer.vocab_size does not count",
    )
    parser.add_argument("--json", action="store_true", help="for programs")
    arguments = parser.parse_args()
    try:
        show(load_config(arguments.config, arguments.set), as_json=arguments.json)
    except NmtError as error:
        sys.exit(f"scripts/benchmark_growth: {error}")


if __name__ == "__main__":
    main()
