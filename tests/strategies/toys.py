"""Every strategy for a small budget, and a problem whose layers add up, so that its best network is known."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from random import Random

import numpy as np
import pytest
import torch
from torch import Tensor

from experiments.config import choices
from predictors.models.layer_costs import AdditiveCost
from search_spaces.space import Arch, SearchSpace
from strategies.problems.objective import Objective
from strategies.problems.problem import Candidate, Problem, Strategy
from strategies.problems.search import search

SMALL = {  # for small budgets
    "evolution": {"population": 8, "tournament": 3},
    "surrogate": {"initial": 8},
    "darts": {"every": 1},
}
STRATEGIES: dict[str, Strategy] = {
    name: partial(strategy, **SMALL.get(name, {})) for name, strategy in choices.STRATEGIES.items()
}
every_strategy = pytest.mark.parametrize("strategy", STRATEGIES.values(), ids=STRATEGIES.keys())
LAYERS, OPTIONS = 5, 4
COSTS = torch.tensor(np.random.default_rng(0).uniform(0, 0.3, (LAYERS, OPTIONS)), dtype=torch.float32)
SECONDS = AdditiveCost(np.random.default_rng(1).uniform(1e-3, 5e-3, (LAYERS, OPTIONS)))


class Toy:
    """A relaxation whose cross entropy is a sum over layers, so that each layer's best option is known."""

    def train(self, distribution: list[Tensor]) -> None:
        assert not any(p.requires_grad for p in distribution)

    def loss(self, distribution: list[Tensor]) -> Tensor:
        return sum((p * cost).sum() for p, cost in zip(distribution, COSTS))  # type: ignore[return-value]

    def costs(self, distribution: list[Tensor]) -> dict[str, Tensor]:
        return {"latency": SECONDS.expected(distribution)}

    def accuracy(self, distribution: list[Tensor]) -> float:
        return math.exp(-self.loss(distribution).item())


def toy(objective: Objective, valid: Callable[[Arch], bool] = lambda arch: True) -> Problem:
    space = SearchSpace("toy", (tuple("abcd"),) * LAYERS, (1,) * LAYERS, valid)

    def separable(arch: Arch) -> float:
        return math.exp(-sum(COSTS[layer, pick].item() for layer, pick in enumerate(arch)))

    return Problem(
        space, objective, lambda archs: [separable(arch) for arch in archs], {"latency": SECONDS}, lambda seed: Toy()
    )


def found(strategy: Strategy, problem: Problem, seed: int, budget: int) -> list[Candidate]:
    return list(search(strategy, replace(problem, memo={}), Random(seed), budget))


def everything(space: SearchSpace) -> list[Arch]:
    return [arch for arch in itertools.product(*map(range, space.options)) if space.valid(arch)]
