"""THE SCHEMA: every key of a configuration, its default, unit, legal range and meaning.

Reads YAML into a frozen `Config` and refuses, all at once and each with its line, what
cannot be used. Knows nothing of TensorFlow, and does not look at the files it names.
"""

import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from nmt.errors import ConfigError, in_one_line
from nmt.refusals import refusals
from nmt.search_settings import LARGEST_PENALTY, Beam
from nmt.yaml_lines import put_over, read_text, read_yaml, write_yaml

# Of a message: who made more mistakes mends these first.
MOST_PROBLEMS = 50

# The kinds of value ---------------------------------------------------------------


def _as_path(value: Any) -> Path:
    if isinstance(value, Path):
        return value
    # What no file name means and a terminal or the system takes for something else.
    if (
        not isinstance(value, str)
        or not value
        or {*map(unicodedata.category, value)} & {"Cc", "Zl", "Zp", "Cs"}
    ):
        raise ValueError("should be a path (text, no control characters)")
    return Path(value)


def _as_pairs(value: Any) -> tuple[Any, ...]:
    if isinstance(value, dict | TextPair):
        return (value,)
    if not isinstance(value, list | tuple) or not value:
        raise ValueError("should be one pair (source, target), or a list of pairs")
    return tuple(value)


def _as_period(value: Any) -> Any:
    if value != "epoch" and (type(value) is not int or value < 1):
        raise ValueError("should be epoch, or a number of steps, at least 1")
    return value


# TensorFlow counts in 32 bits.
Count = Annotated[int, Field(ge=1, le=2**31 - 1)]
CountFromZero = Annotated[int, Field(ge=0, le=2**31 - 1)]
Share = Annotated[float, Field(ge=0, lt=1)]
PositiveShare = Annotated[float, Field(gt=0, lt=1)]
Language = Annotated[str, Field(pattern="^[a-z]{2}$")]
FilePath = Annotated[Path, BeforeValidator(_as_path)]


class Section(BaseModel):
    """A mapping of the file: exactly these keys, of exactly these types."""

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        allow_inf_nan=False,
        validate_default=True,
        # The text under a key is its description, which error messages quote.
        use_attribute_docstrings=True,
    )


# The schema -----------------------------------------------------------------------


class TextPair(Section):
    source: FilePath
    """Text to translate from: UTF-8, a sentence a line; read compressed if .gz."""
    target: FilePath
    """Its translation, line by line; read compressed if .gz."""


class DataConfig(Section):
    source_language: Language | None = None
    """ISO 639-1 code, two small letters; for names, `nmt check`, and ensembles."""
    target_language: Language | None = None
    """ISO 639-1 code, two small letters; zh, ja and ko choose sacreBLEU's
    tokenizer; th, lo, km, my, bo and dz its characters."""
    train: Annotated[tuple[TextPair, ...], BeforeValidator(_as_pairs)]
    """One pair of files, or a list of them; of a run, the names may change only."""
    validation: TextPair
    """The pair of files (source, target) that picks the best checkpoint."""
    max_length: Count = 100
    """Tokens a sentence; longer training pairs are left out, and counted."""


class TokenizerConfig(Section):
    type: Literal["bpe", "unigram", "char", "word"] = "bpe"
    """What a token is: a subword (bpe, unigram), a character, or a word: what blanks
    set apart, with its punctuation."""
    vocab_size: Count = 8000
    """Tokens in each vocabulary at most; 261 or more, which special tokens and bytes
    take; for word 5 or more."""
    joint: bool = True
    """One vocabulary for both languages, or one each."""
    lowercase: bool = False
    """Whether all text is made lower case, and with it the translations. References
    keep their case: watch loss in early_stopping, and `nmt evaluate --lowercase`."""
    sampling: Share = 0.0
    """Subword regularisation: BPE-dropout's p or unigram's alpha; 0 switches it off.
    Source and target, in training only."""

    @field_validator("vocab_size")
    @classmethod
    def _more_than_special_tokens(cls, value: int, info: ValidationInfo) -> int:
        kind = info.data.get("type")
        # Four special tokens, but for words the 256 bytes, and one of the text.
        least = 5 if kind == "word" else 261
        if kind and value < least:
            raise ValueError(f"should be {least} or more for type {kind}")
        return value

    @field_validator("sampling")
    @classmethod
    def _only_subwords_are_sampled(cls, value: float, info: ValidationInfo) -> float:
        if value and info.data.get("type") in ("char", "word"):
            raise ValueError("needs tokenizer.type bpe or unigram")
        return value


class DropoutConfig(Section):
    """Shares of what is set to zero at random, in training only."""

    source: Share = 0.1
    """Of each source embedding."""
    target: Share = 0.1
    """Of each target embedding."""
    context: Share = 0.2
    """Of the encoder's states."""
    state: Share = 0.0
    """Of the recurrent states, encoder and decoder."""
    output: Share = 0.2
    """Of the layer before the output softmax."""
    source_word: Share = 0.1
    """Of whole source tokens."""
    target_word: Share = 0.1
    """Of whole target tokens, where they are the decoder's input."""


class ModelConfig(Section):
    embedding_size: Count = 128
    """Numbers that stand for a token, in both languages."""
    encoder_size: Count = 256
    """Units of the encoder in each of its two directions."""
    encoder_layers: Count = 1
    """Bidirectional layers of the encoder."""
    decoder_size: Count = 256
    """Units of the decoder."""
    decoder_cell: Literal["conditional_gru", "gru"] = "conditional_gru"
    """conditional_gru is Nematus's, which attends between two GRUs (Sennrich et al.
    2017); gru is Bahdanau et al. 2015's, with one."""
    attention: Literal["additive", "general", "dot"] = "additive"
    """additive (Bahdanau et al. 2015), general or dot (Luong et al. 2015)."""
    layer_norm: bool = True
    """Layer normalisation of the decoder's products and the layers around it."""
    tie_embeddings: Literal["none", "target", "all"] = "target"
    """Which embeddings are one matrix: none, the target's input and output (target), or
    these and the source's (all)."""
    dropout: DropoutConfig = DropoutConfig()
    """The section of seven shares, by place: the less text, the more of it."""

    @field_validator("attention")
    @classmethod
    def _dot_needs_equal_sizes(cls, value: str, info: ValidationInfo) -> str:
        encoder = info.data.get("encoder_size")
        decoder = info.data.get("decoder_size")
        if value == "dot" and encoder and decoder and decoder != 2 * encoder:
            raise ValueError(
                "needs decoder_size = 2 * encoder_size (a product of the decoder's"
                f" state with the encoder's), not {decoder} and {encoder}"
            )
        return value


class EarlyStoppingConfig(Section):
    metric: Literal["bleu", "chrf", "loss"] = "bleu"
    """What is to improve on the validation set; it also picks the best checkpoint and
    moves plateau. Equal BLEU, as 0 for very short sentences, is told apart by chrF."""
    patience: Count = 10
    """Validations in a row without improvement that end the training."""


class TrainingConfig(Section):
    seed: CountFromZero = 1
    """Everything random follows from it; dropout also from the number of parts of a
    batch, which a run's first start decides."""
    start_from: FilePath | None = None
    """A run (its best checkpoint) or a checkpoint whose weights and tokenizer are taken
    for a start; all keys of model and tokenizer, but dropout and sampling, are its."""
    batch_size: Count | None = 64
    """Sentence pairs a batch; null beside batch_tokens, which replaces it."""
    batch_tokens: Count | None = None
    """Target tokens a batch at most, padding counted, or null; a longer pair stays."""
    epochs: Count | None = 24
    """Passes over the training data; null: as many as steps takes."""
    steps: Count | None = None
    """Updates of the weights, or null; the first of epochs and steps ends training."""
    learning_rate: Annotated[float, Field(gt=0, le=10)] = 0.003
    """Of Adam; the highest that the schedule reaches."""
    schedule: Literal["constant", "plateau", "inverse_sqrt", "linear"] = "linear"
    """The learning rate after warmup: constant; plateau, multiplied by plateau_factor
    when validation stops improving; inverse_sqrt, falling as 1 / sqrt(update); linear,
    falling to 0 at the end of epochs or steps (put off, it rises again)."""
    warmup_steps: CountFromZero = 500
    """Updates in which the rate grows from 0 to its peak; with linear at most half."""
    plateau_factor: PositiveShare = 0.5
    """What plateau multiplies the learning rate by: above 0, below 1."""
    plateau_patience: Count = 2
    """Validations in a row without improvement before plateau acts."""
    label_smoothing: Share = 0.1
    """Share of the probability that the loss spreads evenly over all tokens."""
    clip_norm: Annotated[float, Field(gt=0, le=1e30)] = 1.0
    """Gradients with a larger global norm are scaled down to it."""
    accumulate: Count = 1
    """Batches whose gradients are added up for one update."""
    average: Literal["none", "ema"] = "ema"
    """Weights that validation and translation use: the last, or a moving average."""
    average_decay: PositiveShare = 0.999
    """Share of the moving average that an update leaves: above 0, below 1."""
    precision: Literal["float32", "mixed_float16", "mixed_bfloat16"] = "float32"
    """What training multiplies matrices in; all else, weights, softmax and loss among
    it, is float32, and so are validation and translation."""
    validate_every: Annotated[Literal["epoch"] | Count, BeforeValidator(_as_period)] = (
        "epoch"
    )
    """epoch, or a number of updates; a checkpoint is saved as often,
    and every ten minutes in between, which the next one replaces."""
    keep: Count = 3
    """Newest validated checkpoints that are kept, beside the best."""
    early_stopping: EarlyStoppingConfig | None = EarlyStoppingConfig()
    """A mapping with metric and patience; null trains to the end, by bleu."""
    strategy: Literal["auto", "one_device", "mirrored", "multi_worker"] = "auto"
    """Devices: auto takes what there is; mirrored, all of this machine; multi_worker,
    those of the workers that TF_CONFIG or SLURM names."""
    deterministic: bool = False
    """Whether a GPU makes the same bits each time, more slowly; a CPU does anyway."""

    @model_validator(mode="before")
    @classmethod
    def _batch_tokens_replaces_the_default(cls, value: Any) -> Any:
        if isinstance(value, dict) and value.get("batch_tokens") is not None:
            return {"batch_size": None, **value}
        return value

    @field_validator("batch_tokens")
    @classmethod
    def _one_batch_measure(cls, value: int | None, info: ValidationInfo) -> int | None:
        if "batch_size" not in info.data:
            return value
        if (value is None) == (info.data["batch_size"] is None):
            raise ValueError(
                f"clashes with batch_size {info.data['batch_size'] or 'null'}: exactly"
                " one of the two counts, the other is set to null"
            )
        return value

    @field_validator("steps")
    @classmethod
    def _training_ends(cls, value: int | None, info: ValidationInfo) -> int | None:
        if value is None and info.data.get("epochs", 1) is None:
            raise ValueError("clashes with epochs null: nothing would end the training")
        return value

    @field_validator("warmup_steps")
    @classmethod
    def _inverse_sqrt_needs_warmup(cls, value: int, info: ValidationInfo) -> int:
        if value == 0 and info.data.get("schedule") == "inverse_sqrt":
            raise ValueError(
                "is too few for schedule inverse_sqrt, which needs 1 (often 4000)"
            )
        return value


class DecodingConfig(Section):
    method: Literal["greedy", "beam"] = "beam"
    """The likeliest token at each step, or the best of several hypotheses."""
    beam_size: Count = Beam.beam_size
    """Hypotheses that beam search keeps."""
    length_penalty: Annotated[float, Field(ge=0, le=LARGEST_PENALTY)] = 1.4
    """A in score = log-probability / length^A, the end of sentence counted: 0 favours
    short translations."""


class Config(Section):
    run_dir: FilePath
    """The directory that will hold all that a trained model needs. It can be moved, and
    then this has to name its new place; another name begins another run."""
    data: DataConfig
    """The text files; train and validation are needed."""
    tokenizer: TokenizerConfig = TokenizerConfig()
    """The section of how text becomes tokens."""
    model: ModelConfig = ModelConfig()
    """The section of the model's sizes and parts."""
    training: TrainingConfig = TrainingConfig()
    """The section of batches, learning rate and ends."""
    decoding: DecodingConfig = DecodingConfig()
    """The section of how `nmt translate` searches."""

    @field_validator("model")
    @classmethod
    def _all_needs_joint(cls, value: ModelConfig, info: ValidationInfo) -> ModelConfig:
        tokenizer = info.data.get("tokenizer")
        if value.tie_embeddings == "all" and tokenizer and not tokenizer.joint:
            # Pydantic would point at the section: `key` says where in it.
            raise PydanticCustomError(
                "across_sections",
                "'all' needs tokenizer.joint true: one vocabulary to share",
                {"key": "tie_embeddings"},
            )
        return value


# Reading and writing --------------------------------------------------------------


def load_config(path: Path, overrides: Sequence[str] = ()) -> Config:
    """The configuration in the file at `path`, each `SECTION.KEY=VALUE` put over it.

    Raises: ConfigError, one line for each thing that is wrong.
    """
    return parse_config(read_text(path), str(path), overrides)


def parse_config(text: str, name: str, overrides: Sequence[str] = ()) -> Config:
    """As `load_config`, for a text; `name` stands for the file in messages.

    Raises: ConfigError.
    """
    document = read_yaml(text, lambda line: f"{name}:{line}")
    if not isinstance(document.value, dict):
        what = "is empty" if document.value is None else "has no sections"
        raise ConfigError(
            f"{name}:1: the configuration {what}; allowed: a mapping with run_dir,"
            " data and more; usual cause: the wrong file"
        )
    for override in overrides:
        put_over(document, override, f"--set {in_one_line(override)}")
    problems = list(document.problems)
    try:
        config = Config.model_validate(document.value)
    except ValidationError as error:
        problems += refusals(error, document, Config)
    if problems:
        if more := problems[MOST_PROBLEMS:]:
            problems[MOST_PROBLEMS:] = [f"{name}: and {len(more)} more mistakes"]
        raise ConfigError("\n".join(problems))
    return config


def dump_config(config: Config) -> str:
    """`config` as YAML, every key with its value, in the schema's order."""
    return write_yaml(config.model_dump(mode="json"))


def dump_given(config: Config) -> str:
    """As `dump_config`, of the keys only that the text had."""
    return write_yaml(config.model_dump(mode="json", exclude_unset=True))
