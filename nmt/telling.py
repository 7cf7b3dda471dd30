"""What a training run says of its figures: text beside the bar, lines, examples.

Knows nothing of where it is shown.
"""

import unicodedata
from collections.abc import Mapping, Sequence

from tqdm import tqdm

from nmt.checkpoint import State
from nmt.validation import Validation, ValidationResult

NAMES = {"bleu": "BLEU", "chrf": "chrF", "loss": "loss"}


def beside_the_bar(figures: Mapping[str, float], seconds_left: float | None) -> str:
    """`loss 4.210, 3,921 tokens/s, wait 1%, 12:35 left`; figures of an `Interval`."""
    return (
        f"loss {figures['loss']:.3f}, "
        f"{figures['target_tokens_per_second']:,.0f} tokens/s, "
        f"wait {figures['data_wait']:.0%}" + _left(seconds_left)
    )


def line_of_updates(
    state: State, figures: Mapping[str, float], seconds_left: float | None
) -> str:
    """The same as a line of its own."""
    return (
        f"epoch {state.last_epoch} step {state.step}: loss {figures['loss']:.3f}, "
        f"{figures['target_tokens_per_second']:,.0f} target tokens/s, "
        f"waiting {figures['data_wait']:.1%}" + _left(seconds_left)
    )


def line_of_validation(result: ValidationResult, state: State, metric: str) -> str:
    """The scores, and the best so far by the metric that the training watches."""
    bleu, chrf = result.scores
    best = abs(state.best or 0.0)  # a loss is kept as its negative
    digits = 3 if metric == "loss" else 2
    place = f"{'in' if state.batch else 'after'} epoch {state.last_epoch}"
    return (
        f"validation {place if state.step else 'before epoch 1'}, step {state.step}: "
        f"BLEU {bleu.value:.2f}, chrF {chrf.value:.2f}, loss {result.loss:.3f}, "
        f"perplexity {result.perplexity:.2f}"
        + (
            " (best)"
            if state.is_best
            else f" (best: {NAMES[metric]} {best:.{digits}f}, step {state.best_step})"
        )
    )


def examples(
    validation: Validation, result: ValidationResult
) -> list[tuple[str, str, str]]:
    """(source, reference, translation) of the pairs that are watched."""
    return [
        (
            validation.sources[place],
            validation.references[place],
            result.hypotheses[place].text,
        )
        for place in validation.examples
    ]


def lines_of_examples(watched: Sequence[tuple[str, str, str]]) -> list[str]:
    """Three lines each, one below the other so that the texts can be compared."""
    return [
        f"  {name:12} {_visible(text)}"
        for texts in watched
        for name, text in zip(
            ("source", "reference", "translation"), texts, strict=True
        )
    ]


def _visible(text: str) -> str:
    """The text with a box for what would move a terminal's cursor, or end a line."""
    return "".join(
        "\N{WHITE SQUARE}"
        if unicodedata.category(letter) in ("Cc", "Zl", "Zp")
        else letter
        for letter in text.replace("\t", " ")
    )


def _left(seconds: float | None) -> str:
    return "" if seconds is None else f", {tqdm.format_interval(int(seconds))} left"
