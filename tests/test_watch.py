"""What is told of updates that went wrong."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import tensorflow as tf
from config_texts import with_keys

from nmt.checkpoint import State
from nmt.config import TextPair
from nmt.corpus import encode_corpus
from nmt.tokenizer import train_tokenizers
from nmt.update import Report
from nmt.watch import Watch


def test_the_lines_of_a_source_with_two_references_are_all_named(
    tmp_path: Path,
) -> None:
    pairs = [
        TextPair(source=tmp_path / "a.en", target=tmp_path / f"{name}.de")
        for name in ("one", "two")
    ]
    for file in {pair.source for pair in pairs} | {pair.target for pair in pairs}:
        file.write_text("".join(f"the old house number {n}\n" for n in range(9)))
    config = with_keys("tokenizer.vocab_size=290")
    config = config.model_copy(
        update={"data": config.data.model_copy(update={"train": pairs})}
    )
    tokenizers = train_tokenizers(config.tokenizer, pairs)
    corpus = encode_corpus(
        pairs,
        tokenizers,
        max_length=100,
        directory=tmp_path / "corpus",
        keep_text=False,
    )
    recorded: list[dict[str, Any]] = []
    told = SimpleNamespace(
        record=lambda kind, **values: recorded.append(values), warn=lambda line: None
    )
    watch = Watch(config, corpus, cast(Any, told))
    nan, false = tf.constant(np.nan), tf.constant(False)
    watch.add(State(), 1, Report(nan, tf.constant(1.0), nan, false, false))
    assert watch.look([np.array([3, 9, 17])], skipped=0) == 1
    [skipped] = recorded
    # Pairs 9 to 17 are lines 1 to 9 of the second two files.
    assert skipped["lines"] == {str(tmp_path / "a.en"): [4, 1, 9]}
