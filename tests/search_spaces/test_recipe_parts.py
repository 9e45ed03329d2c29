"""Tests the parts of a recipe: each changes the training, and survives an interruption; and its length in passes."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from itertools import islice
from pathlib import Path

import pytest
import torch
from torch import Tensor

from experiments.compute.resumable_training import run_steps
from experiments.config import Config
from experiments.data.published import digits
from experiments.setup.recipes import counted
from search_spaces.errors import LutraError
from search_spaces.training.loop import Training, cross_entropy, fit
from search_spaces.training.recipe import NetworkRecipe, Recipe, in_steps
from tests.search_spaces.few_digits import BASE, PARTS, SPACE, data, network

EVERY = {name: value for part in PARTS.values() for name, value in part.items()}


def learn(recipe: NetworkRecipe, folder: Path, stop: int = 0) -> tuple[dict[str, Tensor], list[tuple[int, ...]]]:
    """Trains a network by the recipe; returns its weights, and the shapes of its images. `stop`: interrupts it once.

    Only a training that is interrupted writes checkpoints.
    """
    model, shapes = network(SPACE.smallest), list[tuple[int, ...]]()
    rule = cross_entropy(model, recipe.label_smoothing)

    def backward(step: int, images: Tensor, labels: Tensor) -> float:
        if stop and step == stop:
            raise KeyboardInterrupt
        shapes.append(tuple(images.shape))
        return rule(step, images, labels)

    images = data().joined if recipe.all_images else data()
    folder.mkdir(exist_ok=True)
    run_steps(model, images, recipe, 3, backward, folder, "training", 0 if stop else math.inf)
    return model.state_dict(), shapes


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Tensor]:
    return learn(BASE, tmp_path_factory.mktemp("base") / "run")[0]


def test_every_part_is_tested() -> None:
    """Those that were there from the start are in `test_training`; `passes` is a length."""
    added = {one.name for one in fields(NetworkRecipe) if one.metadata} - {"passes"}
    assert added == {*PARTS}


@pytest.mark.parametrize("part", PARTS)
def test_a_part_alone_changes_the_training_and_resumes_bit_for_bit(
    part: str, base: dict[str, Tensor], tmp_path: Path
) -> None:
    recipe = replace(BASE, **PARTS[part])
    whole, _ = learn(recipe, tmp_path / "whole")
    assert any(not torch.equal(base[name], value) for name, value in whole.items())
    for stop in (1, 4):
        with pytest.raises(KeyboardInterrupt):
            learn(recipe, tmp_path / f"stopped {stop}", stop)
        torch.testing.assert_close(learn(recipe, tmp_path / f"stopped {stop}")[0], whole, rtol=0, atol=0)


def test_all_parts_together_resume_bit_for_bit(tmp_path: Path) -> None:
    recipe = replace(BASE, **EVERY)
    whole, shapes = learn(recipe, tmp_path / "whole")
    assert shapes == [(16, 1, 8, 8)] * 3 + [(16, 1, 16, 16)] * 3
    with pytest.raises(KeyboardInterrupt):
        learn(recipe, tmp_path / "stopped", 4)
    torch.testing.assert_close(learn(recipe, tmp_path / "stopped")[0], whole, rtol=0, atol=0)


def test_processor_seconds_add_up_over_an_interruption() -> None:
    first, second = Training(network(), BASE), Training(network(), BASE)
    backward = cross_entropy(first.model, 0)
    list(islice(fit(first, lambda step: data().batch(step, 16, 0), backward), 2))
    second.load_state_dict(first.state_dict())
    assert second.cpu_seconds == first.cpu_seconds > 0


def test_passes_are_steps_over_the_images() -> None:
    assert in_steps(Recipe(5, 16, 0.1), 160) == Recipe(5, 16, 0.1)
    assert in_steps(Recipe(5, 16, 0.1, passes=2.5), 160) == Recipe(25, 16, 0.1)
    assert in_steps(Recipe(5, 16, 0.1, passes=1e-6), 160).steps == 1


def test_a_configuration_counts_its_passes_over_the_images_that_a_recipe_has() -> None:
    config, images = Config(), digits("", 16, 0.2, 0)
    both = len(images.train.labels) + len(images.validation.labels)
    assert counted(config) == config
    longer = replace(
        config,
        train=replace(config.train, passes=2),
        retrain=replace(config.retrain, passes=3, all_images=True, batch=32),
    )
    made = counted(longer)
    assert made.train.steps == round(2 * len(images.train.labels) / config.train.batch)
    assert made.retrain.steps == round(3 * both / 32)
    assert made.train.passes == made.retrain.passes == 0
    with pytest.raises(LutraError, match=r"retrain\.passes=1e\+06 .* lower retrain\.passes"):
        counted(replace(config, retrain=replace(config.retrain, passes=1e6, batch=2)))
