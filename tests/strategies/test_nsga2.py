"""Tests NSGA-II: its survivors, its mutations and its populations."""

from __future__ import annotations

import itertools
import math
from random import Random

import numpy as np
import pytest

from search_spaces.space import SearchSpace
from strategies.algorithms.nsga2 import children, crowding_distance, evolve, mutate, survivors
from strategies.problems.objective import Pareto
from strategies.problems.problem import Problem
from tests.strategies.toys import COSTS, LAYERS, SECONDS, everything, toy


def points_on_a_grid(seed: int, count: int = 60) -> np.ndarray:
    """Returns points [n, 2], some of them equal."""
    return np.random.default_rng(seed).integers(1, 12, (count, 2)) / 12


def fronts(points: np.ndarray) -> list[list[int]]:
    """Returns the fronts by their definition: each is not dominated by any point that is left."""

    def dominates(a: np.ndarray, b: np.ndarray) -> bool:
        return bool((a <= b).all() and (a < b).any())

    found, left = [], list(range(len(points)))
    while left:
        found.append([i for i in left if not any(dominates(points[j], points[i]) for j in left)])
        left = [i for i in left if i not in found[-1]]
    return found


def crowding(front: np.ndarray) -> list[float]:
    """Computes the paper's pseudo-code, one objective at a time; for distinct points."""
    distances = [0.0] * len(front)
    for values in front.T.tolist():
        order = sorted(range(len(front)), key=values.__getitem__)
        distances[order[0]] = distances[order[-1]] = math.inf
        for before, here, after in zip(order, order[1:], order[2:]):
            distances[here] += (values[after] - values[before]) / (values[order[-1]] - values[order[0]])
    return distances


GRIDS = [np.unique(points_on_a_grid(seed), axis=0) for seed in range(5)]


GRIDS += [np.random.default_rng(seed).random((60, 3)) for seed in range(3)]


@pytest.mark.parametrize("points", GRIDS)
def test_survivors_come_by_fronts_then_by_crowding(points: np.ndarray) -> None:
    ranks = np.empty(len(points), dtype=int)
    expected: list[float] = []
    for rank, members in enumerate(fronts(points)):
        ranks[members] = rank
        expected += sorted(crowding(points[members]), reverse=True)
    best = survivors(points, len(points))
    assert sorted(best) == list(range(len(points)))
    assert ranks[best].tolist() == sorted(ranks)
    assert crowding_distance(points, ranks)[best].tolist() == pytest.approx(expected)
    assert survivors(points, 7).tolist() == best[:7].tolist()


def test_equal_points_are_the_more_crowded() -> None:
    points = np.array([(0.0, 4.0), (1.0, 2.0), (1.0, 2.0), (1.0, 2.0), (4.0, 0.0)])
    distances = crowding_distance(points, np.zeros(5))
    assert sorted(distances) == pytest.approx([0, 0.25 + 0.5, 0.75 + 0.5, math.inf, math.inf])


def test_a_mutation_changes_one_pick_and_at_times_another() -> None:
    space = SearchSpace("odd", (("only",), tuple("ab"), tuple("abc"), tuple("abcd")), (0, 0, 0, 0))
    rng = np.random.default_rng(0)
    parents = np.array([space.sample(Random(i)) for i in range(500)])
    born = parents.copy()
    mutate(born, np.array(space.options), rng)
    changes = (born != parents).sum(1)
    assert changes.min() == 1
    assert 0 < (changes > 1).mean() < 0.2
    assert all(space.check(tuple(child)) for child in born.tolist())


def test_children_are_valid_where_hardly_any_tuple_is() -> None:
    valid = {(pick,) * 6 for pick in range(3)}  # of 729
    space = SearchSpace("sparse", ((0, 1, 2),) * 6, (0,) * 6, valid.__contains__)
    problem = Problem(space, Pareto({"latency": 1.0}), lambda archs: [0.5] * len(archs), {"latency": lambda arch: 0.1})
    born = children(problem, np.array(sorted(valid)), 200, 0.3, np.random.default_rng(0))
    assert {*map(tuple, born.tolist())} == valid


def test_a_population_holds_distinct_architectures_and_loses_no_best_one() -> None:
    problem = toy(Pareto({"latency": 1.0}), valid=lambda arch: sum(arch) % 3 != 0)
    table = COSTS.numpy()

    def costs(picks: np.ndarray) -> np.ndarray:
        assert all(problem.space.valid(tuple(arch)) for arch in picks.tolist())
        return np.stack([table[range(LAYERS), picks].sum(1), SECONDS.of(picks)], 1)

    first = np.array([problem.space.sample(Random(i)) for i in range(12)])
    before = np.full(2, np.inf)
    for picks, points in itertools.islice(evolve(problem, costs, np.random.default_rng(0), first, 0.5), 60):
        assert len(np.unique(picks, axis=0)) == len(picks) <= 12
        np.testing.assert_allclose(points, costs(picks))
        assert (points.min(0) <= before).all()
        before = points.min(0)
    assert before[1] == pytest.approx(min(SECONDS(arch) for arch in everything(problem.space)))
