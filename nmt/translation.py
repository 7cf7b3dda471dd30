"""Lines to translations by a model: tokenize, search, detokenize.

Knows nothing of runs, files or training. Validation, `nmt evaluate` and
`nmt translate` all translate by it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from nmt.decoding import Hypothesis, SearchOptions, decode
from nmt.model import TranslationModel
from nmt.tokenizer import Tokenizer, TokenizerPair

# Sentences decoded at once, where nobody says otherwise.
BATCH_SIZE = 64


@dataclass(frozen=True)
class TextHypothesis:
    """One translation of a sentence.

    `score` is what the search ranks by, `log_prob` the natural logarithm of the
    probability, end of sentence included; `tokens` are the subwords as generated.
    """

    text: str
    score: float
    log_prob: float
    tokens: list[str]


@dataclass(frozen=True)
class Translation:
    """A source line and its translations, best first: at least one, distinct texts."""

    source: str
    hypotheses: tuple[TextHypothesis, ...]


def translate(
    model: TranslationModel,
    tokenizers: TokenizerPair,
    lines: Sequence[str],
    options: SearchOptions,
    batch_size: int = BATCH_SIZE,
) -> list[Translation]:
    """One translation a line, in order; a blank line's is the empty text."""
    # A search for all its hypotheses leaves enough where several of them are the
    # same text in other subwords.
    search = options
    if options.nbest > 1:
        search = replace(options, nbest=options.beam_size)
    sources = tokenizers.source.encode(lines)
    spoken = [
        number
        for number, (line, ids) in enumerate(zip(lines, sources, strict=True))
        if ids and not line.isspace()
    ]
    nothing: tuple[TextHypothesis, ...] = (TextHypothesis("", 0.0, 0.0, []),)
    hypotheses = [nothing] * len(lines)
    if spoken:
        found = decode(
            model, [sources[number] for number in spoken], search, batch_size
        )
        for number, candidates in zip(spoken, found, strict=True):
            distinct = _distinct_texts(tokenizers.target, candidates)
            hypotheses[number] = distinct[: options.nbest]
    return list(map(Translation, lines, hypotheses))


def _distinct_texts(
    tokenizer: Tokenizer, candidates: Sequence[Hypothesis]
) -> tuple[TextHypothesis, ...]:
    """The candidates as text, the best of each text only; best first stays so."""
    texts = tokenizer.decode([candidate.ids for candidate in candidates])
    best: dict[str, TextHypothesis] = {}
    for text, candidate in zip(texts, candidates, strict=True):
        # Byte pieces can spell a line end, which would break "N lines out".
        text = text.replace("\n", " ").replace("\r", " ")
        if text not in best:
            tokens = tokenizer.pieces(candidate.ids)
            best[text] = TextHypothesis(
                text, candidate.score, candidate.log_prob, tokens
            )
    return tuple(best.values())
