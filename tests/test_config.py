"""The schema accepts what the README promises; `test_config_refusals` has the rest."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from config_texts import COMPLETE, SMALLEST, with_keys
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from nmt.config import Config, TextPair, dump_config, load_config, parse_config
from nmt.errors import ConfigError

CONFIGS = Path(__file__).parent.parent / "configs"


def keys_of(value: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, child in value.items():
            yield from keys_of(child, f"{path}.{key}" if path else key)
    else:
        yield path


# What is accepted -----------------------------------------------------------------


@pytest.mark.parametrize("text", [SMALLEST, COMPLETE])
def test_a_dumped_config_loads_as_the_same_config(text: str) -> None:
    config = parse_config(text, "c.yaml")
    assert parse_config(dump_config(config), "d.yaml") == config


def test_a_complete_config_means_what_it_says() -> None:
    written = yaml.safe_load(COMPLETE)
    written["data"]["train"] = [written["data"]["train"]]
    resolved = yaml.safe_load(dump_config(parse_config(COMPLETE, "c.yaml")))
    for section, value in written.items():
        if isinstance(value, dict):
            assert resolved[section] | value == resolved[section]
        else:
            assert resolved[section] == value


def test_the_dump_has_every_key_of_the_schema_in_its_order() -> None:
    resolved = yaml.safe_load(dump_config(with_keys()))
    assert list(resolved) == list(Config.model_fields)
    for name, section in with_keys():
        if isinstance(section, BaseModel):
            assert list(resolved[name]) == list(type(section).model_fields)


def test_every_key_says_what_it_means() -> None:
    def undescribed(section: BaseModel) -> Iterator[str]:
        for name, field in type(section).model_fields.items():
            if not field.description:
                yield f"{type(section).__name__}.{name}"
            if isinstance(value := getattr(section, name), BaseModel):
                yield from undescribed(value)

    assert list(undescribed(with_keys())) == []


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda p: p.name)
def test_a_config_in_the_repository_loads(path: Path) -> None:
    assert load_config(path).data.source_language


def test_one_training_pair_is_a_list_of_one() -> None:
    pair = TextPair(source=Path("a.en"), target=Path("a.de"))
    assert with_keys().data.train == (pair,)
    assert with_keys("data.train=[{source: a.en, target: a.de}]") == with_keys()
    twice = "data.train=[{source: a.en, target: a.de}, {source: a.en, target: a.de}]"
    assert with_keys(twice).data.train == (pair, pair)


@pytest.mark.parametrize("text", ["4e-4", "4E-4", "0.0004", ".4e-3", "+4.e-4"])
def test_a_number_is_read_as_people_write_it(text: str) -> None:
    rate = with_keys(f"training.learning_rate={text}").training.learning_rate
    assert rate == float(text)


def test_norway_has_a_language() -> None:
    config = parse_config(dump_config(with_keys("data.target_language=no")), "d.yaml")
    assert config.data.target_language == "no"


@pytest.mark.parametrize("name", ["4e-4", "no", "1", "1:30", "null", "a: b", "[x", "ü"])
def test_a_path_that_looks_like_something_else_survives_the_dump(name: str) -> None:
    config = with_keys().model_copy(update={"run_dir": Path(name)})
    assert parse_config(dump_config(config), "d.yaml").run_dir == Path(name)


def test_batch_tokens_takes_the_place_of_the_default_batch_size() -> None:
    assert with_keys().training.batch_size == 64
    training = with_keys("training.batch_tokens=4096").training
    assert (training.batch_size, training.batch_tokens) == (None, 4096)


def test_steps_may_end_the_training_alone() -> None:
    changes = {"epochs": None, "steps": 9, "early_stopping": None}
    training = with_keys("training={epochs: null, steps: 9, early_stopping: null}")
    assert training.training == with_keys().training.model_copy(update=changes)


def test_an_override_replaces_a_value_or_a_whole_section() -> None:
    nested = with_keys("model.dropout.state=0.25").model.dropout
    assert (nested.state, nested.source) == (0.25, with_keys().model.dropout.source)
    whole = parse_config(COMPLETE, "c.yaml", ["data.validation={source: x, target: y}"])
    assert whole.data.validation == TextPair(source=Path("x"), target=Path("y"))
    assert with_keys("training.seed=2", "training.seed=3").training.seed == 3


def test_config_and_its_errors_do_without_tensorflow() -> None:
    program = "import sys, nmt.config; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


# Whatever the text, nothing but a ConfigError comes out ---------------------------


def loads_or_is_refused(text: str, *overrides: str) -> None:
    try:
        config = parse_config(text, "c.yaml", overrides)
    except ConfigError as error:
        assert str(error)
    else:
        assert parse_config(dump_config(config), "d.yaml") == config


@settings(deadline=None)
@given(st.text() | st.text("{}[]:,-#&*!|>'\"%@` \n\t.ae01?<~=", max_size=40))
def test_any_text_loads_or_is_refused(text: str) -> None:
    loads_or_is_refused(text)
    loads_or_is_refused(SMALLEST, text, f"training.seed={text}", f"{text}=1")
    loads_or_is_refused(f"{SMALLEST}model: {text}")


SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["epoch", "beam", "bpe", "en", 1, 0.5, 10**400])
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda below: (
        st.lists(below, max_size=3)
        | st.dictionaries(st.text(max_size=4), below, max_size=3)
    ),
    max_leaves=5,
)


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(sorted(keys_of(yaml.safe_load(COMPLETE)))), VALUES, max_size=4
    )
)
def test_any_value_of_any_key_loads_or_is_refused(changes: dict[str, Any]) -> None:
    written = yaml.safe_load(COMPLETE)
    for dotted, value in changes.items():
        *sections, key = dotted.split(".")
        holder = written
        for section in sections:
            holder = holder[section]
        holder[key] = value
    loads_or_is_refused(yaml.dump(written))


def test_a_path_may_have_any_blank_and_any_sign() -> None:
    names = (
        "\u5199\u771f\u3000\u8cc7\u6599/a.en",
        "Mes\u00a0textes/\u2764\ufe0f\u200d\U0001f525.de",
    )
    config = with_keys(f"data.train={{source: {names[0]}, target: {names[1]}}}")
    [pair] = config.data.train
    assert (str(pair.source), str(pair.target)) == names
