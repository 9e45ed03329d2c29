"""Tests the comparison of finetuning recipes: by validation images, over the same seeds."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

import numpy as np
import pytest

from experiments.config import Config
from experiments.config.command_config import FinetuningConfig
from experiments.config.compression import CompressConfig
from experiments.studies.finetuning import compared, finetuning, interval, recipes_of
from tests.commands import Finished, Here, copy_steps


def grid(**asked: object) -> list[CompressConfig]:
    return recipes_of(dataclasses.replace(Config(), finetuning=FinetuningConfig(**asked)))  # type: ignore[arg-type]


def test_the_configured_recipe_comes_first_and_none_comes_twice() -> None:
    own = Config().compress
    assert grid() == [own]
    found = grid(steps=[own.finetune.steps, 7], distillations=[0.0, 0.9], temperatures=[1.0, 4.0])
    assert found[0] == own
    assert len({repr(one) for one in found}) == len(found)
    labels_alone = [one for one in found if one.distillation == 0]
    assert len(labels_alone) == 2  # one for each length: without a teacher there is no temperature


def test_gains_are_paired_over_the_seeds() -> None:
    """What all recipes have in common in a seed does not count as noise."""
    recipes = grid(steps=[7])
    seeds = np.array([0.5, 0.7, 0.9])
    first, second = compared(recipes, np.array([seeds, seeds + 0.01]))
    assert (first.gained, first.low, first.high) == (0, 0, 0)
    assert (second.gained, second.low, second.high) == pytest.approx((0.01, 0.01, 0.01))


def test_the_interval_is_students() -> None:
    """With three seeds, its half-width is 4.303 standard errors."""
    low, high = interval(np.array([0.0, 0.01, 0.02]))
    assert (low, high) == pytest.approx((0.01 - 4.3027 * 0.01 / 3**0.5, 0.01 + 4.3027 * 0.01 / 3**0.5), abs=1e-6)
    assert np.isnan(interval(np.array([0.01]))).all()


def test_the_command_compares_recipes(finished: Finished, here: Here, tmp_path: Path) -> None:
    copy_steps(finished, tmp_path, "measure", "train", "search", "retrain", "compress")
    asked = ("finetuning.seeds=2", "finetuning.temperatures=[1]", "compress.distillation=0.5")
    done = here(finetuning, *finished.arguments, f"runs={tmp_path}", "compress.prune.rule=uniform", *asked)
    assert (done.code, done.err) == (0, "")
    with open(Path(done.out.splitlines()[-1]) / "finetuning.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["temperature"] for row in rows] == ["2.0", "1.0"]
    assert all(0 <= float(row["accuracy"]) <= 1 for row in rows)
