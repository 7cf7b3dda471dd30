"""What may change between two starts, and how a message names what may not."""

from pathlib import Path

import pytest
from config_texts import with_keys

from nmt.changes import differences, identity, refuse_another_run
from nmt.errors import RunError


def test_a_message_has_values_as_the_configuration_writes_them() -> None:
    before = with_keys("training.deterministic=false")
    after = with_keys(
        "training.deterministic=true",
        "training.early_stopping=null",
        "training.batch_size=null",
        "training.batch_tokens=4000",
        "tokenizer.type=word",
    )
    assert "training.deterministic: false -> true" in differences(before, after)
    with pytest.raises(RunError) as refusal:
        refuse_another_run(Path("run"), identity(before), after)
    said = [line.strip() for line in str(refusal.value).splitlines()]
    assert {
        "tokenizer.type: bpe -> word",
        "training.batch_size: 64 -> null",
        "training.batch_tokens: null -> 4000",
    } <= set(said)
    # These may change.
    assert not any("deterministic" in line or "stopping" in line for line in said)
