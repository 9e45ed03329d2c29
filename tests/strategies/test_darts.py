"""Tests DARTS on a toy."""

from __future__ import annotations

import itertools
from dataclasses import replace
from random import Random

import pytest
import torch
from torch import Tensor

from search_spaces.errors import LutraError
from search_spaces.layers import MBConv, Skip
from strategies.algorithms.darts import darts, mode
from strategies.algorithms.random import random as random_search
from strategies.problems.objective import Bounded, MnasNet, Pareto
from tests.strategies.toys import COSTS, SECONDS, Toy, toy


def test_darts_finds_the_optimum_of_a_separable_toy() -> None:
    problem = toy(Bounded({"latency": 1.0}))
    candidates = darts(problem, Random(0), every=100)
    assert next(candidates).arch == tuple(COSTS.argmin(1).tolist())


def test_darts_finds_the_fastest_where_only_latency_counts() -> None:
    problem = replace(toy(MnasNet({"latency": 0.015}, weight=-100)), accuracies=lambda archs: [1.0] * len(archs))
    assert next(darts(problem, Random(0), every=100)).arch == SECONDS.lowest


def test_darts_comes_back_from_beyond_the_limit() -> None:
    limit, seen = 1.1 * SECONDS(SECONDS.lowest), []

    class Noted(Toy):
        def costs(self, distribution: list[Tensor]) -> dict[str, Tensor]:
            seen.append(SECONDS.expected(distribution))
            return {"latency": seen[-1]}

    problem = replace(toy(Bounded({"latency": limit})), relax=lambda seed: Noted())
    next(darts(problem, Random(0), every=200))
    assert seen[0] > 1.4 * limit  # the cost of the uniform mixture
    assert seen[-1] < 1.05 * limit


def test_darts_tells_what_discretization_cost() -> None:
    first, later = itertools.islice(darts(toy(Bounded({"latency": 1.0})), Random(0), every=100), 0, 8, 7)
    assert first.mixture is not None
    assert first.discretization_cost == first.mixture - first.accuracy
    assert first.discretization_cost < 0  # for a sum over layers, the mode is better than the mixture
    assert later.mixture is not None
    assert later.mixture > first.mixture  # the mixture sharpens
    assert next(random_search(toy(Bounded({"latency": 1.0})), Random(0))).discretization_cost is None


def test_darts_needs_something_to_train() -> None:
    with pytest.raises(LutraError, match="darts needs weights to train"):
        next(darts(replace(toy(Pareto({"latency": 1.0})), relax=None), Random(0)))


def test_skip_must_outweigh_the_other_options_together() -> None:
    block, skip = MBConv(8, 24, 8, 3, 1, 4), Skip(8, 4)
    options = (block, replace(block, kernel=5), replace(block, kernel=7), skip)
    assert mode(options, torch.tensor([0.2, 0.25, 0.15, 0.4])) == 1
    assert mode(options, torch.tensor([0.2, 0.1, 0.1, 0.6])) == 3
    assert mode("abcd", torch.tensor([0.2, 0.25, 0.15, 0.4])) == 3
