"""What is tried before training has the size of what training will see."""

from pathlib import Path

import numpy as np
import pytest
from config_texts import with_keys

from nmt.batches import pack
from nmt.config import TextPair
from nmt.corpus import encode_corpus
from nmt.rehearsal import line, worst_batch
from nmt.tokenizer import PAD, train_tokenizers


@pytest.mark.parametrize("sampling", [0.0, 0.9])
def test_the_worst_batch_is_segmented_as_training_segments(
    sampling: float, tmp_path: Path
) -> None:
    files = TextPair(source=tmp_path / "a.en", target=tmp_path / "a.de")
    lines = [f"the {'very ' * (n % 5)}old house number {n}\n" for n in range(60)]
    for file in (files.source, files.target):
        file.write_text("".join(lines))
    config = with_keys(f"tokenizer.sampling={sampling}", "tokenizer.vocab_size=300")
    tokenizers = train_tokenizers(config.tokenizer, [files])
    corpus = encode_corpus(
        [files],
        tokenizers,
        max_length=100,
        directory=tmp_path / "corpus",
        keep_text=sampling > 0,
    )
    short, long = np.arange(0, 60, 5), np.arange(4, 60, 5)
    batch = worst_batch(config, corpus, tokenizers, [short, long])
    rows = [row[row != PAD].tolist() for row in np.asarray(batch.source)]
    assert tokenizers.source.decode(rows) == [lines[n].strip() for n in long]
    plain = pack(corpus.source(long), corpus.target(long))
    wider = batch.source.shape[1] > plain.source.shape[1]
    assert wider == (sampling > 0)


@pytest.mark.parametrize("sizes", [(100, 300), (100, 101), (100, 100)])
@pytest.mark.parametrize("times", [(1.0, 1.5), (1.0, 3.0), (1.0, 9.0), (1.5, 1.0)])
def test_an_estimate_goes_through_the_first_time_and_no_part_is_negative(
    sizes: tuple[int, int], times: tuple[float, float]
) -> None:
    fixed, slope = line(sizes, times)
    assert fixed >= 0 and slope >= 0
    assert fixed + slope * sizes[0] == pytest.approx(times[0])
    # No batch takes longer, by more than it is larger.
    assert fixed + slope * sizes[1] <= times[0] * sizes[1] / sizes[0] + 1e-9
