"""The searches that there are: what each may be asked for, and what it may not.

Knows nothing of tensors, and so comes without TensorFlow: a command line and a
configuration have their defaults and limits from here.
"""

import math
from dataclasses import dataclass

# Sentences searched for at once, where nobody says otherwise.
BATCH_SIZE = 64

# Beyond, length^A or a sum of penalties is no number that float32 can rank by.
LARGEST_PENALTY = 10
LARGEST_NGRAM = 100
TEMPERATURES = (0.001, 1000)


@dataclass(frozen=True)
class Greedy:
    """The most probable token at each step.

    Lengths are tokens without the end of sentence; max_length None stands for the
    larger of `longest_output` of the sentence's own source and min_length.
    Raises (this and the other searches): ValueError for what cannot be searched for.
    """

    min_length: int = 0
    max_length: int | None = None

    def __post_init__(self) -> None:
        _check_lengths(self.min_length, self.max_length)

    @property
    def rows(self) -> int:
        """How many hypotheses of a sentence are looked at together."""
        return 1

    @property
    def returned(self) -> int:
        """How many hypotheses it returns for a sentence, at most."""
        return 1


@dataclass(frozen=True)
class Beam:
    """The best of `beam_size` hypotheses that are kept at each step.

    score = log_prob / length^length_penalty
            + coverage_penalty * sum_j log min(sum_i a_ij, 1)

    with a_ij the attention of target position i to source position j: Wu et al. 2016,
    equation 14. No hypothesis has an n-gram of no_repeat_ngram subwords twice (0: any);
    where nothing else can follow it ends, though it be shorter than min_length.
    """

    beam_size: int = 5
    length_penalty: float = 1.0
    coverage_penalty: float = 0.0
    no_repeat_ngram: int = 0
    nbest: int = 1  # hypotheses returned, at most beam_size
    min_length: int = 0
    max_length: int | None = None

    def __post_init__(self) -> None:
        _check_lengths(self.min_length, self.max_length)
        _check_between("beam_size", self.beam_size, 1)
        if not 1 <= self.nbest <= self.beam_size:
            raise ValueError(
                f"nbest {self.nbest} is not between 1 and {self.beam_size}, the number "
                "of hypotheses that this beam finds"
            )
        for name in ("length_penalty", "coverage_penalty"):
            _check_between(name, getattr(self, name), 0, LARGEST_PENALTY)
        _check_between("no_repeat_ngram", self.no_repeat_ngram, 0, LARGEST_NGRAM)

    @property
    def rows(self) -> int:
        return self.beam_size

    @property
    def returned(self) -> int:
        return self.nbest


@dataclass(frozen=True)
class Sample:
    """`samples` translations drawn from the model's distribution.

    What is drawn for a sentence is a function of its source, of `seed` and of the
    model: never of its batch, its line or the number of samples. `temperature` divides
    the logits; then only the `top_k` most probable tokens count (0: all), and of these
    the fewest that have a share of `top_p`.
    """

    samples: int = 1
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    seed: int = 1
    min_length: int = 0
    max_length: int | None = None

    def __post_init__(self) -> None:
        _check_lengths(self.min_length, self.max_length)
        _check_between("samples", self.samples, 1)
        for name in ("top_k", "seed"):
            _check_between(name, getattr(self, name), 0)
        _check_between("temperature", self.temperature, *TEMPERATURES)
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p {self.top_p} is not above 0 and at most 1")

    @property
    def rows(self) -> int:
        return self.samples

    @property
    def returned(self) -> int:
        return self.samples


Search = Greedy | Beam | Sample


def longest_output(source_length: int) -> int:
    """The default longest output for a source of that many tokens.

    Of its own source only: never of what else is in the batch.
    """
    return 2 * source_length + 10


def _check_lengths(min_length: int, max_length: int | None) -> None:
    shortest = max(1, min_length)
    if max_length is not None and max_length < shortest:
        raise ValueError(
            f"max_length {max_length} is less than {shortest}, the shortest that it "
            f"may be with min_length {min_length}"
        )


def _check_between(
    name: str, value: float, least: float, most: float = math.inf
) -> None:
    if not least <= value <= most:
        allowed = f"at least {least}" if most == math.inf else f"{least} to {most}"
        raise ValueError(f"{name} {value} is not {allowed}")
