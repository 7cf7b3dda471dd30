"""How fast this machine multiplies matrices, on the device that TensorFlow takes.

Knows nothing of the model.

THE LIMIT is the rate of one large product, [1024 x 512] x [512 x 8000], whatever the
model: no arrangement of the model's own products can be expected to run faster. A
step's limit is its operations at that rate. The rate of the products in the model's
own shapes, most of them smaller, is lower; it is what the model could reach if it did
nothing besides and kept its shapes.
"""

import statistics
import time
from collections.abc import Sequence
from functools import cache
from typing import Any

import tensorflow as tf

from nmt import hardware
from speed.operations import Product, operations

LARGE = (1024, 512, 8000)
REPETITIONS = 7
SECONDS = 0.02  # at least, a repetition


def limit(dtype: Any) -> float:
    """Operations a second of a large product: the best of five measurements."""
    rows, inner, columns = LARGE
    seconds = min(product_seconds(1, *LARGE, dtype) for _ in range(5))
    return 2 * rows * inner * columns / seconds


def own_rate(products: Sequence[Product], dtype: Any) -> float:
    """Operations a second of these products, done one by one in their own shapes."""
    seconds_of = cache(product_seconds)
    total = 0.0
    for product in products:
        rows = product.rows / product.steps / product.matrices
        shape = (product.matrices, rows, product.inner, product.columns)
        total += product.steps * seconds_of(*(max(1, round(n)) for n in shape), dtype)
    return operations(products) / total


def product_seconds(
    matrices: int, rows: int, inner: int, columns: int, dtype: Any
) -> float:
    """Seconds of `matrices` products [rows, inner] x [inner, columns] at once: median.

    Its result is waited for once in many products, as a device computes them that works
    beside the processor.
    """
    several = [matrices] if matrices > 1 else []
    left = tf.cast(tf.random.stateless_uniform([*several, rows, inner], (1, 2)), dtype)
    right = tf.cast(
        tf.random.stateless_uniform([*several, inner, columns], (3, 4)), dtype
    )

    def seconds_of(count: int) -> float:
        start = time.perf_counter()
        for _ in range(count):
            product = tf.matmul(left, right)
        product[..., 0, 0].numpy()
        return time.perf_counter() - start

    seconds_of(2)
    count = 1 + int(SECONDS / seconds_of(1))
    return statistics.median(seconds_of(count) for _ in range(REPETITIONS)) / count


def description() -> dict[str, Any]:
    """What the figures are measured on."""
    return {
        "tensorflow": tf.__version__,
        "devices": hardware.devices(),
        "processor": hardware.processor(),
        "cores": hardware.cores(),
    }
