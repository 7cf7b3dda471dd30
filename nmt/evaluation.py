"""Scores of translations by sacreBLEU, each with its signature, so it can be repeated.

Knows nothing of models, runs or files. Validation during training, `nmt evaluate` and
the README all take their numbers from here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sacrebleu.metrics import BLEU, CHRF, TER
from sacrebleu.metrics.base import Metric

from nmt.errors import DataError, NmtError

# Thai, Lao, Khmer, Burmese, Tibetan, Dzongkha: no blanks between words, and sacreBLEU
# has no tokenizer. Of their words, as blanks set them apart, hardly one is ever right.
UNSPACED_LANGUAGES = ("th", "lo", "km", "my", "bo", "dz")


@dataclass(frozen=True)
class Score:
    """One corpus score, in percent, as sacreBLEU names, computes and signs it."""

    name: str
    value: float
    signature: str


class QuickScores(NamedTuple):
    """The scores that cost a second for a thousand sentences."""

    bleu: Score
    chrf: Score


class Scores(NamedTuple):
    """All scores; TER, the slow one, is better when lower."""

    bleu: Score
    chrf: Score
    ter: Score


def score(
    hypotheses: Sequence[str],
    first: Sequence[str],
    *others: Sequence[str],
    lowercase: bool = False,
    target_language: str | None = None,
) -> Scores:
    """BLEU, chrF and TER of the hypotheses against one reference each, or more.

    `first` has a reference of each hypothesis, and each of `others` has another.

    `lowercase` is for BLEU and chrF: sacreBLEU's TER ignores case by default, and its
    signature says so.
    Raises: what `quick` raises.
    """
    bleu, chrf = quick(
        hypotheses,
        first,
        *others,
        lowercase=lowercase,
        target_language=target_language,
    )
    # Others' words are what blanks set apart: a line of Chinese would be one.
    chinese = target_language in ("zh", "ja")
    ter = TER(normalized=chinese, asian_support=chinese)
    return Scores(bleu, chrf, _score(ter, hypotheses, [first, *others]))


def quick(
    hypotheses: Sequence[str],
    first: Sequence[str],
    *others: Sequence[str],
    lowercase: bool = False,
    target_language: str | None = None,
) -> QuickScores:
    """The BLEU and chrF that `score` gives, without the wait for TER.

    Raises: DataError if there is nothing to score or the numbers of lines differ;
        NmtError if the target language's tokenizer is not installed.
    """
    references = [first, *others]
    for some in references:
        if not some or len(hypotheses) != len(some):
            raise DataError(
                f"{len(hypotheses)} translations cannot be scored against "
                f"{len(some)} references: it takes one for one, and at least one "
                "(probably two files that do not belong together)"
            )
    return QuickScores(
        _score(_bleu(lowercase, target_language), hypotheses, references),
        _score(CHRF(lowercase=lowercase), hypotheses, references),
    )


def sentence_chrf(hypotheses: Sequence[str], references: Sequence[str]) -> list[float]:
    """chrF of each hypothesis by itself, 0 to 100."""
    metric = CHRF()
    return [
        metric.sentence_score(hypothesis, [reference]).score
        for hypothesis, reference in zip(hypotheses, references, strict=True)
    ]


def require_tokenizer(target_language: str | None) -> None:
    """Nothing, if this language can be scored: ask before hours of work, not after.

    Raises: NmtError if the target language's tokenizer is not installed.
    """
    bleu_tokenizer(target_language)


def bleu_tokenizer(target_language: str | None) -> str:
    """What cuts this language into BLEU's words, as the signature has it.

    Raises: NmtError if it is not installed.
    """
    return str(_bleu(False, target_language).tokenizer_signature)


def _bleu(lowercase: bool, target_language: str | None) -> BLEU:
    if target_language in UNSPACED_LANGUAGES:
        return BLEU(lowercase=lowercase, force=True, tokenize="char")
    try:
        # `force` only silences the warning about text that looks tokenized: a model
        # early in its training writes such text, and the log is no place to say so.
        return BLEU(lowercase=lowercase, force=True, trg_lang=target_language or "")
    except RuntimeError as error:
        # What sacreBLEU raises where the optional package of a language is missing.
        raise NmtError(
            f"BLEU for target language {target_language!r} needs a word segmenter that "
            f'is not installed: pip install "sacrebleu[{target_language}]"'
        ) from error


def _score(
    metric: Metric, hypotheses: Sequence[str], references: Sequence[Sequence[str]]
) -> Score:
    result = metric.corpus_score(hypotheses, references)
    return Score(result.name, result.score, str(metric.get_signature()))
