"""Tests that drawn, mutated and crossed networks are within the bound."""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import partial
from random import Random

import numpy as np
import pytest

from experiments.config import ObjectiveConfig
from predictors.models.layer_costs import AdditiveCost
from search_spaces.costs import macs
from search_spaces.errors import LutraError
from search_spaces.space import SearchSpace
from search_spaces.spaces.edge import edge
from search_spaces.spaces.mobile import mobile
from search_spaces.spaces.tiny import tiny
from strategies.problems.objective import Bounded
from strategies.problems.problem import Problem
from tests.strategies.bounded import LAYERS, charged, every_size, quantile, seconds_of


@every_size
def test_what_is_drawn_mutated_and_crossed_is_feasible(layers: int) -> None:
    for limit in (quantile(layers, 0.3), 1.1 * seconds_of(layers)(seconds_of(layers).lowest)):
        problem, asked = charged(layers, Bounded({"latency": limit}))
        rng, mother = Random(0), problem.sample(Random(1))
        for _ in range(20):
            father = problem.sample(rng)
            born = [father, problem.mutate(father, rng), problem.crossover(mother, father, rng)]
            assert all(problem.feasible(arch) for arch in born)
            mother = father
        assert asked == []


def test_rare_networks_of_a_large_space_are_drawn_alike() -> None:
    """Random walks end at the fastest network or at one that differs from it by one option."""
    seconds = AdditiveCost(np.array([[1.0, 2.0, 2.0, 2.0]] * 9))
    space = SearchSpace("large", (tuple("abcd"),) * 9, (0,) * 9)
    problem = Problem(space, Bounded({"latency": 10.0}), lambda archs: [0.5] * len(archs), {"latency": seconds})
    drawn = [problem.sample(Random(seed)) for seed in range(400)]
    assert space.networks is None
    assert len({*drawn}) == 1 + 9 * 3
    slower = np.mean([sum(arch) > 0 for arch in drawn])
    assert slower == pytest.approx(27 / 28, abs=0.05)


def test_a_bound_that_no_network_meets_is_told() -> None:
    for layers in LAYERS.values():
        problem, asked = charged(layers, Bounded({"latency": 1e-4}))
        for draw in (problem.sample, partial(problem.mutate, problem.space.reference)):
            with pytest.raises(
                LutraError, match=r"no network in toy was found within the bounds; .* ms: raise objective\.target"
            ):
                draw(Random(0))
        assert asked == []


def test_one_ruler_for_one_and_for_many() -> None:
    problem, _ = charged(5, Bounded({"latency": quantile(5, 0.3)}))
    picks = np.array(list(itertools.product(range(4), repeat=5)))
    alone = [problem.feasible(tuple(arch)) for arch in picks.tolist()]
    assert problem.feasible_all(picks).tolist() == alone
    plain = replace(problem, costs={"latency": lambda arch: problem.costs["latency"](arch)})
    assert plain.feasible_all(picks).tolist() == alone
    assert plain.cheapest == problem.cheapest == seconds_of(5).lowest


def test_the_fastest_of_a_large_space_is_found_where_layers_add() -> None:
    for layers in (9, 16):
        problem, _ = charged(layers, Bounded({"latency": 1.0}))
        assert problem.space.networks is None
        assert problem.cheapest == seconds_of(layers).lowest


@pytest.mark.parametrize(("limit", "listed"), [(1.02, True), (1.5, False)])
def test_rare_networks_are_found_under_every_trunk(limit: float, listed: bool) -> None:
    """Each trunk has its own cheapest options, so single changes do not lead from one trunk to another."""
    space = edge(3, 32, 10).under([0, 1])
    rng, values = np.random.default_rng(0), np.full((len(space.layers), max(map(len, space.layers))), np.nan)
    known = {str(spec): 1 + rng.random() for options in space.layers for spec in options}
    for options in (space.layers[layer] for layer in (3, 6, 9)):
        known |= {str(options[1]): 0.1, str(options[len(options) // 2 + 2]): 0.1}  # another one under each trunk
    for layer, options in enumerate(space.layers):
        values[layer, : len(options)] = [known[str(spec)] for spec in options]
    seconds = AdditiveCost(values, trunks=space.trunks)
    first, second = map(seconds, seconds.lowest_by_trunk)
    seconds.values[0, 1] += first - second  # equally cheap
    problem = Problem(
        space, Bounded({"latency": limit * first}), lambda archs: [0.5] * len(archs), {"latency": seconds}
    )
    assert bool(problem.pool) == listed
    assert {arch[0] for arch in problem.pool or map(problem.sample, map(Random, range(50)))} == {0, 1}
    assert problem.feasible(problem.cheapest)


def test_space_draws_end_where_nothing_is_valid() -> None:
    space = SearchSpace("empty", (tuple("abcd"),) * 5, (0,) * 5, lambda arch: False)
    with pytest.raises(LutraError, match="none of 1000 draws from empty is a network"):
        space.sample(Random(0))
    with pytest.raises(LutraError, match="none of 1000 draws"):
        space.mutate((0,) * 5, Random(0))
    assert space.crossover((0,) * 5, (1,) * 5, Random(0)) == (0,) * 5
    alone = SearchSpace("alone", (("only",),) * 2, (0, 0))
    with pytest.raises(LutraError, match="single network"):
        alone.mutate((0, 0), Random(0))


@pytest.mark.parametrize("space", [tiny(1, 16, 10), mobile(3, 32, 10)], ids=["tiny", "mobile"])
def test_the_default_target_is_easily_met(space: SearchSpace) -> None:
    """Each layer costs its multiply-accumulates plus their mean over all layers, as measured in INT8 on x86."""
    seconds = np.full((len(space.layers), max(space.options)), np.nan)
    for layer, options in enumerate(space.layers):
        seconds[layer, : len(options)] = [macs((option,)) for option in options]
    latency = AdditiveCost(seconds + np.nanmean(seconds) * (seconds > 0))
    drawn = np.array([space.sample(Random(seed)) for seed in range(1000)])
    target = ObjectiveConfig().target_fraction * latency(space.reference)
    assert (latency.of(drawn) <= target).mean() > 0.2
