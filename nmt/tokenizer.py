"""Text to token ids and back by sentencepiece; trains the models that do it.

Knows nothing of batches or translation models.

Nothing is lost in a round trip, except with `type: word`, whose unknown words become
UNK, and with `lowercase: true`. One exception: U+2581, sentencepiece's own sign for a
space, comes back as a space. A character the model has not seen becomes the bytes of
its UTF-8 form.

Files: `joint.model`, or `source.model` and `target.model`; each is all there is to know
about a tokenizer, so that an exported graph needs nothing else.
"""

import hashlib
import io
import random
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path

import sentencepiece
from sentencepiece.sentencepiece_model_pb2 import ModelProto
from sentencepiece.sentencepiece_pb2 import SentencePieceText

from nmt import vetting
from nmt.config import TextPair, TokenizerConfig
from nmt.errors import ConfigError, DataError, RunError
from nmt.files import open_regular, require_regular
from nmt.subword_sampling import SubwordSampler
from nmt.text import read_lines_or_none

PAD, UNK, BOS, EOS = 0, 1, 2, 3
NUM_SPECIAL = 4
NUM_BYTES = 256

# More text than this changes a vocabulary little and takes memory (Kudo and
# Richardson 2018 train on as much).
TRAINING_SENTENCES = 2_000_000
# sentencepiece's unigram trainer adds up in an order that depends on this number, so
# it is the same on every machine.
TRAINING_THREADS = 4
# The most characters of a piece that sentencepiece is sure to read back. What is longer
# than this without a space is a damaged line, and trainers take minutes for it.
LONGEST_WORD = 1000


class Tokenizer:
    """One sentencepiece model."""

    def __init__(self, model_bytes: bytes) -> None:
        """Raises: RuntimeError, sentencepiece's own, if these are not a model."""
        self.model_bytes = model_bytes
        self._processor = sentencepiece.SentencePieceProcessor()
        self._processor.LoadFromSerializedProto(model_bytes)

    @cached_property
    def rules(self) -> bytes:
        """What decides which ids a text becomes: nothing of how it was trained."""
        model = ModelProto.FromString(self.model_bytes)
        trained = model.trainer_spec
        kind, byte_fallback = trained.model_type, trained.byte_fallback
        model.ClearField("trainer_spec")
        model.trainer_spec.model_type = kind
        model.trainer_spec.byte_fallback = byte_fallback
        return bytes(model.SerializeToString(deterministic=True))

    @property
    def vocab_size(self) -> int:
        return int(self._processor.vocab_size())

    def encode(self, lines: Sequence[str]) -> list[list[int]]:
        """The ids of each line, without BOS and EOS."""
        return self._processor.encode(list(lines))

    def sample(self, lines: Sequence[str], alpha: float, seed: int) -> list[list[int]]:
        """A random segmentation of each line: a pure function of the arguments.

        alpha is BPE-dropout's probability of leaving a merge out (Provilkov et al.
        2020), or the unigram model's smoothing (Kudo 2018): near 0, all segmentations
        of a line are equally likely.
        """
        return self._sampler.sample(lines, alpha, seed)

    @cached_property
    def _sampler(self) -> SubwordSampler:
        return SubwordSampler(self._processor, self.model_bytes)

    def decode(self, ids: Sequence[Sequence[int]]) -> list[str]:
        """The text of each sequence; PAD, UNK, BOS and EOS have none."""
        plain = [[token for token in line if token >= NUM_SPECIAL] for line in ids]
        # One by one: for a list sentencepiece starts threads, which takes a hundred
        # times as long as a line does (0.4 ms, 4 us).
        return [self._processor.decode(line) for line in plain]

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """The name of each id; U+2581 in it stands for a space."""
        return [self._processor.id_to_piece(int(token)) for token in ids]

    def ids(self, pieces: Sequence[str]) -> list[int]:
        """The ids of pieces by name."""
        return [self._processor.piece_to_id(piece) for piece in pieces]

    def spans(self, line: str) -> list[tuple[int, int]]:
        """(begin, end) of each of its ids in the line, in bytes of UTF-8."""
        return _spans(self._processor.encode(line, out_type="serialized_proto"))

    def decoded_spans(self, ids: Sequence[int]) -> list[tuple[int, int]]:
        """(begin, end) of each id in the decoded text, in bytes of UTF-8.

        None of the ids is a special one.
        """
        assert all(token >= NUM_SPECIAL for token in ids)
        plain = [int(token) for token in ids]
        return _spans(self._processor.decode(plain, out_type="serialized_proto"))


@dataclass(frozen=True)
class TokenizerPair:
    """The tokenizers of both languages: the same object twice for one vocabulary."""

    source: Tokenizer
    target: Tokenizer

    @property
    def joint(self) -> bool:
        return self.source is self.target

    @cached_property
    def checksum(self) -> str:
        """SHA-256 (hex) of all that decides which ids a text becomes."""
        digest = hashlib.sha256(b"joint" if self.joint else b"separate")
        for tokenizer in (self.source, self.target):
            digest.update(hashlib.sha256(tokenizer.model_bytes).digest())
        return digest.hexdigest()

    def same_ids(self, other: "TokenizerPair") -> bool:
        """Whether any text becomes the same ids, however the models were trained."""
        return (self.source.rules, self.target.rules) == (
            other.source.rules,
            other.target.rules,
        )

    def save(self, directory: Path) -> None:
        """Writes one model where both languages share it, or one for each."""
        directory.mkdir(parents=True, exist_ok=True)
        if self.joint:
            (directory / "joint.model").write_bytes(self.source.model_bytes)
        else:
            (directory / "source.model").write_bytes(self.source.model_bytes)
            (directory / "target.model").write_bytes(self.target.model_bytes)

    @classmethod
    def load(cls, directory: Path) -> "TokenizerPair":
        """What `save` wrote.

        Raises: RunError where a model is missing, damaged or not one of ours.
        """
        if (directory / "joint.model").exists():
            joint = _load(directory / "joint.model")
            return cls(joint, joint)
        if not (directory / "source.model").exists():
            raise RunError(
                f"{directory}: holds neither joint.model nor source.model: the run is "
                "incomplete (a copy that was interrupted?)"
            )
        return cls(_load(directory / "source.model"), _load(directory / "target.model"))


def train_tokenizers(
    config: TokenizerConfig, pairs: Sequence[TextPair]
) -> TokenizerPair:
    """Tokenizers trained on the lines of both sides, together or each on its own.

    Equal text gives equal models. Lines that are not UTF-8 are passed over.

    Raises: DataError for files that cannot be read or hold no text; ConfigError for a
    vocabulary that is too small for the text.
    """
    sources = [pair.source for pair in pairs]
    targets = [pair.target for pair in pairs]
    if config.joint:
        joint = _train(config, [*sources, *targets])
        return TokenizerPair(joint, joint)
    return TokenizerPair(_train(config, sources), _train(config, targets))


def _spans(serialized: bytes) -> list[tuple[int, int]]:
    text = SentencePieceText.FromString(serialized)
    return [(piece.begin, piece.end) for piece in text.pieces]


def _load(path: Path) -> Tokenizer:
    try:
        with open_regular(path) as stream:
            content = stream.read(vetting.MOST_BYTES + 1)
        if len(content) > vetting.MOST_BYTES:
            raise ValueError(f"it has more than {vetting.MOST_BYTES} bytes")
        for fault in vetting.faults(content, [PAD, UNK, BOS, EOS], UNK):
            raise ValueError(fault)
        return Tokenizer(content)
    except (OSError, RuntimeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise RunError(
            f"{path}: not a tokenizer that nmt train made: {reason} (an incomplete "
            "copy of the run, or a damaged or foreign file); copy the run again"
        ) from None


def _train(config: TokenizerConfig, paths: Sequence[Path]) -> Tokenizer:
    names = ", ".join(map(str, paths))
    failures: list[BaseException] = []
    # sentencepiece's own error for no text at all names nothing of the user's.
    texts = _remembering(
        _at_most(_training_texts(config, paths), TRAINING_SENTENCES), failures
    )
    first = next(texts, None)
    if first is None:
        raise DataError(
            f"{names}: no text to train a tokenizer on: every line is empty (the wrong "
            "files?)"
        )
    model = io.BytesIO()
    with tempfile.TemporaryDirectory() as directory:
        rules = Path(directory) / "rules.tsv"
        rules.write_text(_lowercase_rules() if config.lowercase else "")
        try:
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=chain([first], texts),
                model_writer=model,
                model_type=config.type,
                vocab_size=config.vocab_size,
                hard_vocab_limit=False,  # little text gives a smaller vocabulary
                pad_id=PAD,
                unk_id=UNK,
                bos_id=BOS,
                eos_id=EOS,
                byte_fallback=config.type != "word",
                character_coverage=1.0,
                normalization_rule_name="" if config.lowercase else "identity",
                normalization_rule_tsv=str(rules) if config.lowercase else "",
                remove_extra_whitespaces=False,
                max_sentence_length=2**30,  # no line is too long to learn from
                num_threads=TRAINING_THREADS,
                minloglevel=3,
            )
        except RuntimeError as error:
            if failures:
                raise failures[0] from None
            needed = re.search(r"smaller than required_chars. \d+ vs (\d+)", str(error))
            if needed:
                raise ConfigError(
                    f"tokenizer.vocab_size: {config.vocab_size} is too small for "
                    f"{names}: at least {needed[1]}, for the special tokens, the "
                    "256 bytes, and each character that occurs (if that is many: "
                    "lines in other scripts?)"
                ) from None
            raise DataError(
                f"{names}: sentencepiece cannot train on this text: {error}"
            ) from None
    return Tokenizer(_without_paths(model.getvalue()))


def _training_texts(config: TokenizerConfig, paths: Sequence[Path]) -> Iterator[str]:
    for path in paths:
        require_regular(path)
        for line in read_lines_or_none(path):
            if line and len(line) <= LONGEST_WORD:
                yield line
            elif line:
                yield from _parts(line, whole=config.type == "word")


def _parts(line: str, *, whole: bool) -> Iterator[str]:
    """A long line without words that no trainer can take, or with these in parts.

    whole: words stay whole, or are left out: part of a word is none.
    """
    usual = []
    for word in line.split(" "):
        if len(word) <= LONGEST_WORD:
            usual.append(word)
        elif not whole:
            for start in range(0, len(word), LONGEST_WORD):
                yield word[start : start + LONGEST_WORD]
    if text := " ".join(usual):
        yield text


def _at_most(texts: Iterator[str], count: int) -> Iterator[str]:
    """All texts, or a random `count` of them: always the same ones.

    Algorithm R of Vitter 1985. Not sentencepiece's own sampling, which differs from
    run to run.
    """
    source = random.Random(0)
    kept: list[str] = []
    for number, text in enumerate(texts):
        if number < count:
            kept.append(text)
        elif (place := source.randrange(number + 1)) < count:
            kept[place] = text
    yield from kept


def _remembering(texts: Iterator[str], failures: list[BaseException]) -> Iterator[str]:
    """The same texts; keeps an error on its way, which sentencepiece would replace."""
    try:
        yield from texts
    except BaseException as error:
        failures.append(error)
        raise


def _lowercase_rules() -> str:
    """Rules by which a model lowercases text itself, each character on its own."""

    def code_points(text: str) -> str:
        return " ".join(f"{ord(character):X}" for character in text)

    return "".join(
        f"{code_points(character)}\t{code_points(character.lower())}\n"
        for character in map(chr, range(sys.maxunicode + 1))
        if character != character.lower()
    )


def _without_paths(model_bytes: bytes) -> bytes:
    """The same model without the name of its (temporary) file of rules."""
    model = ModelProto.FromString(model_bytes)
    model.normalizer_spec.ClearField("normalization_rule_tsv")
    return model.SerializeToString(deterministic=True)
