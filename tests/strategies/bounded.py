"""A problem where slower networks are better, within a bound."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from torch import Tensor

from predictors.models.layer_costs import AdditiveCost
from search_spaces.space import Arch, SearchSpace
from strategies.problems.objective import Objective
from strategies.problems.problem import Problem

LAYERS = {"listed": 5, "large": 16}  # of four options
every_size = pytest.mark.parametrize("layers", LAYERS.values(), ids=LAYERS.keys())


class Relaxed:
    """Every option has the same loss."""

    def __init__(self, seconds: AdditiveCost) -> None:
        self.seconds = seconds

    def train(self, distribution: list[Tensor]) -> None:
        pass

    def loss(self, distribution: list[Tensor]) -> Tensor:
        return sum(p.sum() for p in distribution)  # type: ignore[return-value]

    def costs(self, distribution: list[Tensor]) -> dict[str, Tensor]:
        return {"latency": self.seconds.expected(distribution)}

    def accuracy(self, distribution: list[Tensor]) -> float:
        return 0.5


def seconds_of(layers: int) -> AdditiveCost:
    return AdditiveCost(np.random.default_rng(0).uniform(1e-3, 5e-3, (layers, 4)))


def charged(layers: int, objective: Objective) -> tuple[Problem, list[Arch]]:
    """Returns a problem where slower is better, and a list that records the architectures it evaluates."""
    seconds, asked = seconds_of(layers), list[Arch]()

    def accuracies(archs: Sequence[Arch]) -> list[float]:
        asked.extend(archs)
        return [10 * seconds(arch) for arch in archs]

    space = SearchSpace("toy", (tuple("abcd"),) * layers, (1,) * layers)
    return Problem(space, objective, accuracies, {"latency": seconds}, lambda seed: Relaxed(seconds)), asked


def quantile(layers: int, share: float) -> float:
    picks = np.random.default_rng(1).integers(4, size=(20_000, layers))
    return float(np.quantile(seconds_of(layers).of(picks), share))
