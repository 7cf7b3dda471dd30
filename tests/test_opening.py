"""What the configuration says arrives where it is meant: each part is opened by it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Toy

from nmt import feeding
from nmt.config import Config, load_config
from nmt.feeding import make_plan
from nmt.opening import Inputs, Opening, make_updater, open_training
from nmt.parallel_text import load_pairs
from nmt.progress import NoProgress
from nmt.recovery import Start
from nmt.run import RunDirectory
from nmt.signals import Signals
from nmt.training import Training

CORES = {"parts": 1, "threads": 1}


def opened(config: Config, start: Start | None = None, held_out: Any = None) -> Opening:
    run = RunDirectory(config.run_dir)
    run.path.mkdir(exist_ok=True)
    held_out = held_out or load_pairs(config.data.validation)
    return open_training(config, run, start or Start(), Inputs(held_out), CORES)


@pytest.fixture
def config(toy: Toy, tmp_path: Path) -> Config:
    return load_config(toy.config(tmp_path / "run"))


def test_what_is_validated_is_what_will_translate(config: Config) -> None:
    opening = opened(config)
    assert opening.validation.model is opening.updater.average
    assert opening.updater.average is not opening.updater.model


def test_the_seed_draws_the_weights_and_the_order_of_the_batches(
    toy: Toy, tmp_path: Path
) -> None:
    one, other = (
        load_config(toy.config(tmp_path / f"run{seed}"), [f"training.seed={seed}"])
        for seed in (1, 2)
    )
    opening = opened(one)
    plans = [make_plan(each, opening.corpus, epoch=0) for each in (one, one, other)]
    first, again, different = (np.concatenate(plan).tolist() for plan in plans)
    assert first == again != different
    weights, others = (
        each.updater.model.parameters.values() for each in (opening, opened(other))
    )
    assert (weights["decoder/input"] != others["decoder/input"]).any()


def test_a_best_of_another_validation_set_is_none_of_this(config: Config) -> None:
    state = replace(opened(config).state, best=9.0, best_step=0, since_best=2)
    sources, references = load_pairs(config.data.validation)
    for held_out, best in (
        ((sources, references), 9.0),
        ((sources, references[::-1]), None),
    ):
        assert opened(config, Start(state), held_out).state.best == best


def test_training_samples_subwords_as_it_is_told(
    toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = []

    class Enough(Exception):
        pass

    def serve(*_: Any, **options: Any) -> None:
        told.append((options["sampling"], options["seed"], options["epoch"]))
        raise Enough

    monkeypatch.setattr(feeding, "serve", serve)
    overrides = ["tokenizer.sampling=0.3", "training.seed=7"]
    config = load_config(toy.config(tmp_path / "run"), overrides)
    opening = opened(config)
    opening = replace(opening, state=replace(opening.state, epoch=1))
    run = RunDirectory(config.run_dir)
    begun = Training(config, run, NoProgress(), opening, Signals())
    with pytest.raises(Enough):
        begun.run_to_end()
    assert told == [(0.3, 7, 1)]


def test_a_start_anew_is_all_of_it(config: Config) -> None:
    opening = opened(config)
    used, fresh = (make_updater(config, opening.tokenizers, 1) for _ in range(2))
    parts = [used.model.parameters, used.average.parameters, used.adam]
    expected = [fresh.model.parameters, fresh.model.parameters, fresh.adam]
    for part in parts:
        part.assign({name: value + 1 for name, value in part.values().items()})
    used.begin(fresh.model.parameters.values())
    for part, new in zip(parts, expected, strict=True):
        for name, value in new.values().items():
            np.testing.assert_array_equal(part.values()[name], value)
