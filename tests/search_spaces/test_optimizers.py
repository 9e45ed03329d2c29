"""Tests the first step of each optimizer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from experiments.config.compression import CompressConfig, check
from search_spaces.errors import LutraError
from search_spaces.training.loop import Training, cross_entropy, fit
from search_spaces.training.recipe import Recipe
from tests.search_spaces.few_digits import BASE, data, network


def one_step(**parts: Any) -> dict[str, Tensor]:
    """Returns how far the first step, at full learning rate, moves each parameter of a network."""
    model = network()
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    recipe = replace(BASE, warmup=0, weight_decay=0, ema=0, **parts)
    next(fit(Training(model, recipe), lambda step: data().batch(step, 16, 0), cross_entropy(model, 0)))
    return {name: value.detach() - before[name] for name, value in model.named_parameters()}


def test_biases_learn_faster_by_the_factor() -> None:
    plain, fast = one_step(), one_step(bias_rate=8.0)
    for name, moved in plain.items():
        torch.testing.assert_close(fast[name], moved * (8 if name.endswith("bias") else 1), rtol=1e-3, atol=1e-7)


def test_muon_moves_convolutions_by_orthogonal_matrices_and_leaves_the_rest_to_sgd() -> None:
    plain, muon = one_step(), one_step(muon=0.02)
    dense = [name for name, moved in plain.items() if moved.ndim == 4 and moved.shape[1] > 1 and moved.any()]
    assert len(dense) > 3
    for name, moved in muon.items():
        if name in dense:
            rows, columns = moved.flatten(1).shape
            singular = torch.linalg.svdvals(moved.flatten(1)) / (0.02 * max(1, rows / columns) ** 0.5)
            assert 0.5 < singular.max() < 1.4, name
        elif moved.ndim != 4 or moved.shape[1] == 1:
            torch.testing.assert_close(moved, plain[name], rtol=1e-3, atol=1e-7)


def test_muon_is_refused_where_it_would_fill_zeros() -> None:
    tuned = replace(CompressConfig().finetune, muon=0.02)
    for stage in ("sparsify", "cluster"):
        with pytest.raises(LutraError, match=rf"the stage {stage} .* add compress\.finetune\.muon=0"):
            check(CompressConfig(stages=[stage, "quantize"], finetune=tuned), "winner")
    check(CompressConfig(finetune=tuned), "winner")


def test_the_model_of_a_recipe_without_convolutions_needs_no_muon() -> None:
    model = nn.Linear(4, 3)
    step = next(
        fit(
            Training(model, Recipe(2, 4, 0.1, muon=0.02)),
            lambda step: (torch.ones(4, 4), torch.zeros(4).long()),
            cross_entropy(model, 0),
        )
    )
    assert step.step == 0
