"""What a configuration costs on paper: weights, memory, operations, speed on GPUs.

    python scripts/estimate.py CONFIG.yaml [--set ...] [--batch N] [--length N]

Nothing is trained and no data is read: every sentence is taken to be of one length, the
vocabularies to be full. docs/scaling.md says what the figures mean, and how far to
trust them.
"""

import sys
from dataclasses import dataclass

from nmt import hardware

hardware.prepare()  # before what imports TensorFlow

from speed.arguments import configuration_parser, positive  # noqa: E402
from speed.operations import Product, Work, operations, update  # noqa: E402

from nmt.config import Config, load_config  # noqa: E402
from nmt.errors import NmtError  # noqa: E402
from nmt.model import TranslationModel  # noqa: E402

# Kernels that an update starts, counted in its graph: for each decoder step, by cell
# and layer norm; for each step of an encoder layer's direction; and once.
DECODER_KERNELS = {
    ("conditional_gru", True): 509,
    ("conditional_gru", False): 358,
    ("gru", True): 374,
    ("gru", False): 261,
}
ENCODER_KERNELS = 123
OTHER_KERNELS = 1050
KERNEL_SECONDS = 6e-6  # to start one from TensorFlow's executor: a guess of ours


@dataclass(frozen=True)
class Card:
    """A GPU as its data sheet has it."""

    name: str
    tensorfloat: float  # TF32, operations a second, dense
    half: float  # bfloat16 and float16
    memory: float  # bytes a second
    inside: float  # bytes a second to the other GPUs of the machine, one way
    outside: float  # and to those of other machines


CARDS = [
    Card("A100", 156e12, 312e12, 2.0e12, 300e9, 25e9),
    Card("H100", 495e12, 989e12, 3.35e12, 450e9, 50e9),
]
MACHINE = 8  # GPUs
DEVICES = 1, 8, 64


def kernels(config: Config, length: int) -> int:
    """How many kernels an update starts."""
    model = config.model
    encoder = 2 * model.encoder_layers * ENCODER_KERNELS
    decoder = DECODER_KERNELS[model.decoder_cell, model.layer_norm]
    return length * (encoder + decoder) + OTHER_KERNELS


def seconds(products: list[Product], card: Card, *, half: bool) -> tuple[float, float]:
    """Of an update's products, and of reading what they multiply by at every step."""
    size = 2 if half else 4
    reads = sum(
        product.steps * product.matrices * product.inner * product.columns * size
        for product in products
        if product.steps > 1
    )
    rate = card.half if half else card.tensorfloat
    return operations(products) / rate, reads / card.memory


def exchange(weights: int, card: Card, devices: int) -> float:
    """Seconds to add up the gradients of all devices: a ring, float32."""
    if devices == 1:
        return 0.0
    rate = card.inside if devices <= MACHINE else card.outside
    return 2 * (devices - 1) / devices * 4 * weights / rate


def estimate(config: Config, sentences: int, length: int) -> str:
    """The table; each device has a batch of so many sentences of so many tokens."""
    vocabulary = config.tokenizer.vocab_size
    model = TranslationModel(config.model, vocabulary, vocabulary)
    weights = model.parameters.count
    positions = sentences * length
    work = Work(sentences, positions, positions, positions * length, positions)
    products = update(config.model, vocabulary, work)
    # Weight, gradient, two moments, and the average.
    copies = 4 + (config.training.average != "none")
    starts = kernels(config, length)
    rows = {
        "weights": f"{weights / 1e6:,.1f} million; with gradients, moments and average "
        f"{copies * 4 * weights / 1e9:,.2f} GB",
        "an update": f"{sentences:,} sentences of {length} tokens a side; "
        f"{operations(products) / 1e9:,.0f} GFLOP",
        "kernels": f"{starts:,}; {starts * KERNEL_SECONDS * 1e3:,.0f} ms to start them",
    }
    for card in CARDS:
        for half in False, True:
            compute, reads = seconds(products, card, half=half)
            step = max(compute + reads, starts * KERNEL_SECONDS)
            all_seconds = [step + exchange(weights, card, count) for count in DEVICES]
            speeds = ", ".join(
                f"{count * positions / each:,.0f}"
                for count, each in zip(DEVICES, all_seconds, strict=True)
            )
            rows[f"{card.name}, {'bfloat16' if half else 'TF32'}"] = (
                f"products {compute * 1e3:,.1f} ms, reading "
                f"{reads * 1e3:,.1f} ms; target tokens/s on "
                f"{', '.join(map(str, DEVICES))} GPUs: {speeds}"
            )
    return "\n".join(f"{name:<16}{value}" for name, value in rows.items())


def main() -> None:
    parser = configuration_parser("scripts/estimate")
    parser.add_argument("--batch", type=positive, help="sentences (the config's)")
    parser.add_argument("--length", type=positive, default=25, help="tokens (25)")
    arguments = parser.parse_args()
    try:
        config = load_config(arguments.config, arguments.set)
    except NmtError as error:
        sys.exit(f"scripts/estimate: {error}")
    training, length = config.training, arguments.length
    tokens = training.batch_tokens or 0
    batch = arguments.batch or training.batch_size or max(1, tokens // length)
    print(estimate(config, batch, length))


if __name__ == "__main__":
    main()
