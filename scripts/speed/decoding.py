"""Sentences a second of searches over real sentences.

Knows nothing of training. Counted is from the first batch's start to the last one's
end: sorting, padding, the search, and the ids as lists; not start-up and the tracing of
the graph, which happen once and are timed apart.

    python -m speed.decoding RUN     a process of its own, set up as `nmt translate` is
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from nmt import hardware

if __name__ == "__main__":
    hardware.prepare_to_translate()  # before what imports TensorFlow

from nmt.decoding import decode
from nmt.model import TranslationModel
from nmt.parallel_text import load_pairs
from nmt.run import open_run
from nmt.search_settings import BATCH_SIZE, Beam, Greedy
from speed.operations import forward, operations, search_work

LENGTH = 16  # tokens of every translation, where they are made equally long


@dataclass(frozen=True)
class Decoding:
    name: str
    sentences: int
    tokens: float  # of the best hypotheses, their ends counted
    seconds: float
    tracing_seconds: float  # of the first batch, once, beyond what it takes again
    operations: float


def run(checkpoint: Path) -> list[Decoding]:
    """`searches`, measured in a process of its own."""
    scripts = str(Path(__file__).parent.parent)
    process = subprocess.run(
        [sys.executable, "-m", "speed.decoding", checkpoint],
        env=os.environ | {"PYTHONPATH": scripts},
        stdout=subprocess.PIPE,
        check=True,
    )
    return [Decoding(**record) for record in json.loads(process.stdout)]


def searches(checkpoint: Path) -> list[Decoding]:
    """Greedy and beam search over the validation source, at two kinds of length."""
    opened = open_run(checkpoint)
    model = opened.model()
    lines, _ = load_pairs(opened.config.data.validation)
    sources = list(filter(None, opened.tokenizers.source.encode(lines)))
    lengths = {
        "natural lengths": {},
        f"{LENGTH} tokens each": dict.fromkeys(("min_length", "max_length"), LENGTH),
    }
    return [
        _measured(f"{name}, {length}", model, sources, search(**limits))
        for length, limits in lengths.items()
        for name, search in (("greedy", Greedy), ("beam of 5", Beam))
    ]


def _measured(
    name: str,
    model: TranslationModel,
    sources: Sequence[Sequence[int]],
    search: Greedy | Beam,
) -> Decoding:
    """All sources (ids, none empty) translated by this search."""
    first, again, whole = (
        _seconds(model, chosen, search)
        for chosen in (sources[:BATCH_SIZE], sources[:BATCH_SIZE], sources)
    )
    seconds, outputs = whole
    work = search_work(
        [len(source) + 1 for source in sources],
        outputs,
        search.rows,
    )
    vocabulary = model.output_bias.shape[0]
    return Decoding(
        name,
        sentences=len(sources),
        tokens=sum(outputs),
        seconds=seconds,
        tracing_seconds=first[0] - again[0],
        operations=operations(forward(model.config, vocabulary, work)),
    )


def _seconds(
    model: TranslationModel,
    sources: Sequence[Sequence[int]],
    search: Greedy | Beam,
) -> tuple[float, list[int]]:
    """How long it took, and the lengths of the best hypotheses, ends counted."""
    start = time.perf_counter()
    found = decode(model, sources, search, BATCH_SIZE)
    seconds = time.perf_counter() - start
    return seconds, [len(hypotheses[0].ids) + 1 for hypotheses in found]


if __name__ == "__main__":
    print(json.dumps([asdict(search) for search in searches(Path(sys.argv[1]))]))
