"""Lines to translations by a model: tokenize, search, detokenize, copy, align.

Knows nothing of runs, files or training. Validation, `nmt evaluate` and
`nmt translate` all translate by it, and `nmt score` scores by it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from nmt import scoring
from nmt.alignment import Link, attention_of_parts
from nmt.copying import Reading, insert_copies, read
from nmt.decoding import Hypothesis, decode
from nmt.ensemble import Model
from nmt.errors import NmtError
from nmt.minimum_risk import expected_gains
from nmt.search_settings import BATCH_SIZE, Beam, Sample, Search
from nmt.tokenizer import TokenizerPair
from nmt.wording import Wording


@dataclass(frozen=True)
class TextHypothesis:
    """One translation of a sentence.

    `score` is what the hypotheses are ranked by, `log_prob` the natural logarithm of
    the probability, end of sentence included; `tokens` are the subwords as generated,
    so without what was copied.
    """

    text: str
    score: float
    log_prob: float
    tokens: list[str]
    alignment: list[Link]  # (source word, word of the text); empty if not asked for
    finished: bool  # False: it reached its longest length, where it had to end


@dataclass(frozen=True)
class Translation:
    """A source line and its translations, best first: at least one, distinct texts."""

    source: str
    hypotheses: tuple[TextHypothesis, ...]


def translate(
    model: Model,
    tokenizers: TokenizerPair,
    lines: Sequence[str],
    search: Search,
    batch_size: int = BATCH_SIZE,
    *,
    prefixes: Sequence[str] | None = None,
    minimum_risk: bool = False,
    alignments: bool = False,
) -> list[Translation]:
    """One translation a line, in order; a blank line's is the empty text.

    A translation begins with its line's prefix. With `minimum_risk` the score is the
    expected chrF, 0 to 100, where the truth is one of what the search found: each
    sample as probable as another, what a beam found by its probability.
    Raises: ValueError if there are prefixes, but not one for each line; NmtError where
        the model's probabilities are not numbers.
    """
    beginnings = [""] * len(lines) if prefixes is None else prefixes
    if len(beginnings) != len(lines):
        raise ValueError(f"{len(beginnings)} prefixes for {len(lines)} lines")
    readings = read(tokenizers.source, lines)
    asked = [number for number, reading in enumerate(readings) if reading.ids]
    found = decode(
        model,
        [readings[number].ids for number in asked],
        _wide(search, minimum_risk),
        batch_size,
        tokenizers.target.encode([beginnings[number] for number in asked]),
    )
    drafts: list[list[_Draft]] = [[] for _ in lines]
    for number, hypotheses in zip(asked, found, strict=True):
        if not hypotheses:
            raise NmtError(
                f"no translation of {lines[number]!r} has a probability that is a "
                "number; the model's weights are damaged, or its training diverged"
            )
        for hypothesis in hypotheses:
            wording = Wording(tokenizers.target, hypothesis.ids, beginnings[number])
            draft = _Draft(
                readings[number], hypothesis, wording, wording.text, hypothesis.score
            )
            drafts[number].append(draft)
    # What is copied comes first: it is text, which decides what is distinct.
    copying = [draft for some in drafts for draft in some if draft.reading.copies]
    _copy_and_link(model, tokenizers, copying)
    rank = _by_expected_gain if minimum_risk else _distinct
    drafts = [rank(some, search)[: search.returned] if some else [] for some in drafts]
    if alignments:
        rest = [draft for some in drafts for draft in some if not draft.reading.copies]
        _copy_and_link(model, tokenizers, rest)
    return [
        Translation(
            line,
            tuple(draft.finish(tokenizers, alignments) for draft in some)
            or (_without_search(line, beginning, alignments),),
        )
        for line, beginning, some in zip(lines, beginnings, drafts, strict=True)
    ]


def score(
    model: Model,
    tokenizers: TokenizerPair,
    sources: Sequence[str],
    targets: Sequence[str],
) -> list[float]:
    """Each pair's natural log-probability, the target's end of sentence included.

    Of what `translate` answers without asking the model, the empty text for a blank
    line or a line that it copies whole, it is 0. Otherwise it is the model's, for a
    blank source or target as well.
    """
    readings = read(tokenizers.source, sources)
    ids = [reading.ids for reading in readings]
    totals = scoring.score(model, ids, tokenizers.target.encode(targets))
    return [
        0.0 if not reading.ids and target == _answer(reading.line, "") else total
        for reading, target, total in zip(readings, targets, totals, strict=True)
    ]


@dataclass
class _Draft:
    """A hypothesis on its way to its final text."""

    reading: Reading
    hypothesis: Hypothesis
    wording: Wording
    text: str
    score: float
    links: list[Link] = field(default_factory=list)

    def finish(self, tokenizers: TokenizerPair, alignments: bool) -> TextHypothesis:
        return TextHypothesis(
            self.text,
            self.score,
            self.hypothesis.log_prob,
            tokenizers.target.pieces(self.hypothesis.ids),
            self.links if alignments else [],
            self.hypothesis.finished,
        )


def _wide(search: Search, minimum_risk: bool) -> Search:
    """A search for all its hypotheses where more than the best counts.

    It leaves enough where several of them are the same text in other subwords.
    """
    if isinstance(search, Beam) and (search.nbest > 1 or minimum_risk):
        return replace(search, nbest=search.beam_size)
    return search


def _copy_and_link(
    model: Model, tokenizers: TokenizerPair, drafts: Sequence[_Draft]
) -> None:
    """Gives each draft its copies and its links."""
    found = scoring.attend(
        model,
        [draft.reading.ids for draft in drafts],
        [draft.hypothesis.ids for draft in drafts],
    )
    for draft, attention in zip(drafts, found, strict=True):
        source = draft.reading.segmented(tokenizers.source)
        target = draft.wording.segmented()
        # The end of sentence is the last row.
        weights = attention_of_parts(
            attention[[*draft.wording.rows, -1]],
            source.spans,
            source.words(),
            target.spans,
            target.words(),
        )
        draft.text, draft.links = insert_copies(
            draft.reading, draft.text, weights, draft.wording.begun
        )


def _distinct(drafts: Sequence[_Draft], _: Search) -> list[_Draft]:
    """The best draft of each text; best first stays so."""
    best: dict[str, _Draft] = {}
    for draft in drafts:
        best.setdefault(draft.text, draft)
    return list(best.values())


def _by_expected_gain(drafts: Sequence[_Draft], search: Search) -> list[_Draft]:
    """The best draft of each text, by the text's expected chrF, which is its score."""
    top = max(draft.hypothesis.log_prob for draft in drafts)
    weights: dict[str, float] = {}
    for draft in drafts:
        # A sample is drawn as often as it is probable.
        surplus = 0.0 if isinstance(search, Sample) else draft.hypothesis.log_prob - top
        weights[draft.text] = weights.get(draft.text, 0.0) + math.exp(surplus)
    gains = expected_gains(weights)
    distinct = _distinct(drafts, search)
    for draft in distinct:
        draft.score = gains[draft.text]
    return sorted(distinct, key=lambda draft: -draft.score)  # stable


def _without_search(line: str, beginning: str, alignments: bool) -> TextHypothesis:
    """The translation of a line that has nothing that the model can read."""
    text = _answer(line, beginning)
    links: list[Link] = []
    if alignments:
        words = len(line.split())
        first = len(text.split()) - words
        links = [(word, first + word) for word in range(words)]
    return TextHypothesis(text, 0.0, 0.0, [], links, finished=True)


def _answer(line: str, beginning: str) -> str:
    """A line of nothing but unknown characters, copied; of a blank line nothing."""
    copied = line.strip().replace("\r", " ")
    if not (beginning and copied):
        return copied
    return beginning + copied if beginning.endswith(" ") else f"{beginning} {copied}"
