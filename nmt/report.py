"""One run as one page: its facts gathered as plain data, and put into an HTML file.

Knows nothing of HTML: how the page looks, and what it does when it is pointed at, is
in `nmt/page/`; it is handed the facts as one block of JSON. A part of the run that is
not there, such as text files that were moved away, is left out of the page, which says
why.
"""

import base64
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from html import escape
from importlib import metadata, resources
from pathlib import Path
from string import Template
from typing import Any, TypeVar

import numpy as np

from nmt.alignment import Segmented, Span
from nmt.config import Config, Section, load_config
from nmt.corpus import NO_CORPUS, SIDES, ParallelCorpus
from nmt.errors import ConfigError, DataError, NmtError, RunError
from nmt.evaluation import quick, sentence_chrf
from nmt.history import History, Record, column, read_history
from nmt.inspection import inspect_corpus
from nmt.looking import look_at_texts
from nmt.parallel_text import load_pairs
from nmt.run import RunDirectory, open_run
from nmt.text import read_lines

Facts = dict[str, Any]
Part = TypeVar("Part")
# A sentence of the validation set: source, reference, translation, chrF (0 to 100).
Sentence = tuple[str, str, str, float]

# A curve of more points than this is drawn by the means of neighbours.
MOST_POINTS = 500
# Attention over more cells than this is no picture that a page should hold.
MOST_CELLS = 10_000
# Where what stands between blanks is longer than this on average, or is a whole line,
# the language does not write blanks between words, and attention is shown by subwords.
# (Finnish has 8 letters a word.)
LONGEST_MEAN_WORD = 14
FEWEST_WORDS = 2
# Scores further apart than this were not made from the same text.
SAME_SCORE = 0.005


class _Opened:
    """The best checkpoint, and its model."""

    def __init__(self, path: Path) -> None:
        self.run = open_run(path)
        self.model = self.run.model()


def make_page(facts: Facts) -> str:
    """The HTML that shows what was gathered: one file that needs no other."""
    page = resources.files("nmt") / "page"
    text = {
        name: (page / name).read_text(encoding="utf-8")
        for name in (
            "report.html",
            "report.css",
            "charts.js",
            "attention.js",
            "sentences.js",
            "report.js",
        )
    }
    content = json.dumps(facts, ensure_ascii=False, allow_nan=False)
    return Template(text.pop("report.html")).substitute(
        title=escape(facts["name"]),
        style=text.pop("report.css"),
        # In a string of JSON this is the same character; as it stands it could end the
        # block, or open a comment.
        facts=content.replace("<", "\\u003c"),
        script="\n".join(text.values()),
    )


def gather(path: Path, num_attended: int) -> Facts:
    """What there is to say about the run at `path`, for JSON.

    Parts that are None have a reason in `missing`. There is the attention of the
    `num_attended` worst and as many best translations.

    Raises: RunError if no run is there.
    """
    run = RunDirectory(path)
    try:
        config = load_config(run.config)
    except ConfigError as error:
        raise RunError(f"{path}: not a usable run directory: {error}") from error
    missing: dict[str, str] = {}

    def part(name: str, make: Callable[[], Part]) -> Part | None:
        try:
            return make()
        except NmtError as error:
            missing[name] = _text(str(error))
            return None

    history = part("history", lambda: read_history(path))
    opened = part("model", lambda: _Opened(path))
    best = history.best if history else None
    step = opened.run.state.step if opened else int(best["step"]) if best else None
    sentences = part("sentences", lambda: _sentences(run, config, step))
    return {
        "name": _text(path.resolve().name),
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "version": metadata.version("nmt"),
        "languages": [config.data.source_language, config.data.target_language],
        "settings": {
            name: [*_settings(section)]
            for name, section in config
            if isinstance(section, Section)
        },
        "history": history and _history(history),
        "model": opened and _model(opened),
        "corpus": part("corpus", lambda: _corpus(run, config)),
        "files": _files(config),
        "step": step,
        "sentences": sentences,
        "scores": sentences
        and part("scores", lambda: _scores(sentences, config, history, step)),
        "attention": opened
        and sentences
        and part("attention", lambda: _attention(opened, sentences, num_attended)),
        "missing": missing,
    }


def _text(text: str) -> str:
    """Text that can be written: bytes of a file's name that are not UTF-8 cannot."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _settings(section: Section, prefix: str = "") -> Iterator[tuple[str, str, bool]]:
    """Each key with its value as in YAML, and whether it is other than the default."""
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if isinstance(value, Section):
            yield from _settings(value, f"{prefix}{name}.")
        elif isinstance(value, tuple):
            for number, item in enumerate(value, start=1):
                yield from _settings(item, f"{prefix}{name}.{number}.")
        else:
            plain = isinstance(value, str | Path)
            shown = str(value) if plain else json.dumps(value)
            changed = not field.is_required() and value != field.get_default()
            yield f"{prefix}{name}", shown, changed


def _history(history: History) -> Facts:
    train, validation = history.train, history.validation
    return {
        "train": _columns(
            _thinned(train), "loss learning_rate target_tokens_per_second"
        ),
        "validation": {
            **_columns(validation, "epoch loss perplexity bleu chrf"),
            "signature": [record.get("signature") for record in validation],
        },
        "best": history.best and history.best["step"],
        "steps": max(record["step"] for record in [*train, *validation]),
        "epochs": max(record.get("epoch") or 0 for record in [*train, *validation]),
        "seconds": {
            "train": float(np.nansum(column(train, "seconds"))),
            "validation": float(np.nansum(column(validation, "seconds"))),
        },
        "starts": history.starts,
    }


def _columns(records: list[Record], names: str) -> dict[str, list[float | None]]:
    """The figures by name; None where one is not a finite number."""
    return {
        name: [
            value if np.isfinite(value) else None
            for value in column(records, name).tolist()
        ]
        for name in ["step", *names.split()]
    }


def _thinned(records: list[Record]) -> list[Record]:
    """At most MOST_POINTS records: the means of neighbours, at the last one's step."""
    if len(records) <= MOST_POINTS:
        return records
    names = ("loss", "target_tokens_per_second")
    thinned = []
    for indices in np.array_split(np.arange(len(records)), MOST_POINTS):
        some = [records[index] for index in indices.tolist()]
        means = {name: float(column(some, name).mean()) for name in names}
        thinned.append({**some[-1], **means})
    return thinned


def _model(opened: _Opened) -> Facts:
    """The best checkpoint: its weights counted by part of the model."""
    counts: Counter[str] = Counter()
    for name, variable in opened.model.parameters.by_name.items():
        counts[name.split("/")[0].replace("_", " ")] += int(np.prod(variable.shape))
    tokenizers = opened.run.tokenizers
    return {
        "parameters": counts.most_common(),
        "vocabulary": [tokenizers.source.vocab_size, tokenizers.target.vocab_size],
    }


def _corpus(run: RunDirectory, config: Config) -> Facts:
    """What training saw of the text.

    Raises: RunError if the encoded corpus is not there any more, or of other text.
    """
    try:
        corpus = ParallelCorpus(run.corpus)
    except NO_CORPUS:
        raise RunError(
            f"{run.corpus}: no encoded corpus is here any more, so the "
            "pairs that training saw cannot be counted; nmt train makes it again"
        ) from None
    if len(corpus.key["files"]) != len(config.data.train):
        raise RunError(
            f"{run.corpus}: encoded from other text than the run's "
            "config.yaml names; nmt train makes it again"
        )
    first = corpus.first_left_out(config.data.train)
    return {
        "pairs": len(corpus),
        "tokens": [int(corpus.source_lengths.sum()), int(corpus.target_lengths.sum())],
        "left_out": [
            [reason, count, first[reason]] for reason, count in corpus.left_out.items()
        ],
    }


def _files(config: Config) -> Facts:
    """What the data check finds in the text files as they are now."""
    report = inspect_corpus(config.data)
    return {
        "errors": report.errors,
        "pairs": [
            {
                "name": pair.name,
                "sides": [
                    {
                        "path": str(side.path),
                        "lines": side.lines,
                        "words": side.words / side.lines,
                        "longest_in_words": side.longest_in_words,
                        "characters": side.characters / side.lines,
                        "longest_in_characters": side.longest_in_characters,
                        "findings": side.findings(),
                    }
                    for side in (getattr(pair, name) for name in SIDES)
                ],
                "findings": pair.findings(),
            }
            for pair in report.pairs
        ],
        "findings": [*report.hints, *report.findings()],
    }


def _sentences(run: RunDirectory, config: Config, step: int | None) -> list[Sentence]:
    """The validation set, as the checkpoint of that step translated it in training.

    Raises: DataError if a file is missing, or they do not belong together.
    """
    if step is None:
        raise DataError(f"{run.path}: nothing was validated yet")
    file = run.validation / f"step-{step:08d}.txt"
    sources, references = load_pairs(config.data.validation)
    translations = list(read_lines(file))
    if len(translations) != len(sources):
        raise DataError(
            f"{file} has {len(translations):,} translations and "
            f"{config.data.validation.source} {len(sources):,} sentences: the files of "
            "data.validation are not what they were in training"
        )
    chrf = [round(value, 1) for value in sentence_chrf(translations, references)]
    return list(zip(sources, references, translations, chrf, strict=True))


def _scores(
    sentences: Sequence[Sentence],
    config: Config,
    history: History | None,
    step: int | None,
) -> Facts:
    """The scores of the sentences, with signatures.

    `recorded`: the BLEU that training had at this step, where it is not this one.
    """
    _, references, translations, _ = zip(*sentences, strict=True)
    scores = quick(
        translations, references, target_language=config.data.target_language
    )
    validations = history.validation if history else []
    then = [record.get("bleu") for record in validations if record["step"] == step]
    return {
        "list": [[score.name, score.value, score.signature] for score in scores],
        "recorded": next(
            (
                value
                for value in then
                if value is not None and abs(value - scores.bleu.value) > SAME_SCORE
            ),
            None,
        ),
    }


def _attention(
    opened: _Opened, sentences: Sequence[Sentence], num_attended: int
) -> Facts:
    """By the number of a sentence: what the model looks at in it for each word.

    Source and target are what stands before the first word, it, what stands between it
    and the next one, and so on; weights [target words, source words + 1] are row after
    row, a byte each (255 is 1) in base 64, the last column for the end of sentence.
    """
    order = sorted(range(len(sentences)), key=lambda number: sentences[number][3])
    chosen = sorted(
        {*order[:num_attended], *order[max(0, len(order) - num_attended) :]}
    )
    looks = look_at_texts(
        opened.model,
        opened.run.tokenizers,
        [sentences[number][0] for number in chosen],
        [sentences[number][2] for number in chosen],
    )
    in_words = [_has_words(side) for side in list(zip(*sentences, strict=True))[:3:2]]
    views: Facts = {}
    for number, look in zip(chosen, looks, strict=True):
        sides = look.source, look.target
        source, target = (
            side.words() if words else side.subwords()
            for side, words in zip(sides, in_words, strict=True)
        )
        if source and target and len(source) * len(target) <= MOST_CELLS:
            rounded = np.rint(look.over(source, target) * 255).astype(np.uint8)
            views[str(number)] = {
                "source": _pieces(sides[0], source),
                "target": _pieces(sides[1], target),
                "weights": base64.b64encode(rounded.tobytes()).decode(),
            }
    return views


def _has_words(texts: Sequence[str]) -> bool:
    """Whether blanks set words apart in this language."""
    words = [word for text in texts for word in text.split()]
    lines = sum(1 for text in texts if text.strip())
    return len(words) >= FEWEST_WORDS * lines and sum(
        map(len, words)
    ) <= LONGEST_MEAN_WORD * len(words)


def _pieces(segmented: Segmented, parts: Sequence[Span]) -> list[str]:
    """The text cut up: gap, part, gap, part, ..., gap."""
    edges = [
        0,
        *(edge for part in parts for edge in part),
        len(segmented.text.encode()),
    ]
    return segmented.texts(list(zip(edges[:-1], edges[1:], strict=True)))
