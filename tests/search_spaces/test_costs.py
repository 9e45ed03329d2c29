"""Tests costs by name: searches, fronts and files accept several."""

from __future__ import annotations

import csv
import itertools
import json
from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from experiments.config import ObjectiveConfig, choices
from experiments.steps.plan import search as search_command
from experiments.store.step import as_json
from predictors import costs
from predictors.models.layer_costs import AdditiveCost, LargestCost, LayerCost
from search_spaces.space import SearchSpace
from strategies.problems.objective import Bounded, Objective, Pareto
from strategies.problems.problem import Candidate, Problem, Strategy, front
from strategies.problems.search import search
from strategies.quality.exact import exact_front
from strategies.quality.regret import regret, share
from tests.commands import Finished, Here, copy_steps
from tests.strategies.toys import STRATEGIES

LAYERS, OPTIONS = 4, 3
UNTRAINED = {name: strategy for name, strategy in STRATEGIES.items() if name not in choices.LEARNING}


def three_costs(seed: int) -> dict[str, LayerCost]:
    drawn = np.random.default_rng(seed).uniform(0.1, 1, (3, LAYERS, OPTIONS)).round(1)  # some are equal
    return {"latency": AdditiveCost(drawn[0]), "size": AdditiveCost(drawn[1], 2.0), "memory": LargestCost(drawn[2])}


def toy(objective: Objective, seed: int = 0) -> Problem:
    """Returns a problem where an option's accuracy hardly depends on its costs."""
    space = SearchSpace("toy", (tuple("abc"),) * LAYERS, (1,) * LAYERS)
    worth = AdditiveCost(np.random.default_rng(seed + 100).uniform(0, 0.2, (LAYERS, OPTIONS)))
    return Problem(space, objective, lambda archs: [worth(arch) for arch in archs], three_costs(seed))


def everything(problem: Problem) -> list[Candidate]:
    return problem.evaluate_all([*itertools.product(range(OPTIONS), repeat=LAYERS)])


def undominated(found: list[Candidate]) -> set[tuple[float, ...]]:
    """Returns the points that no other point dominates, by the definition."""
    points = [(-c.accuracy, *c.costs.values()) for c in found]
    array = np.array(points)
    return {p for p in points if not ((array <= p).all(1) & (array < p).any(1)).any()}


WORST = {"latency": 5.0, "size": 7.0, "memory": 2.0}


@pytest.mark.parametrize("seed", range(4))
def test_the_exact_front_of_three_costs_is_that_of_enumeration(seed: int) -> None:
    problem = toy(Pareto(WORST), seed)
    worth = np.random.default_rng(seed + 100).uniform(0, 0.2, (LAYERS, OPTIONS))
    found = exact_front(worth, three_costs(seed)).candidates(Pareto(WORST))
    assert {(-c.accuracy, *c.costs.values()) for c in found} == undominated(everything(problem))
    assert [c.costs["latency"] for c in found] == sorted(c.costs["latency"] for c in found)
    assert front(everything(problem)) == front(front(everything(problem)))
    assert {(-c.accuracy, *c.costs.values()) for c in front(everything(problem))} == undominated(everything(problem))


@pytest.mark.parametrize("strategy", UNTRAINED.values(), ids=UNTRAINED.keys())
@pytest.mark.parametrize("objective", [Pareto(WORST), Bounded({"latency": 2.0, "size": 4.2, "memory": 0.9})], ids=str)
def test_every_strategy_searches_by_three_costs(strategy: Strategy, objective: Objective) -> None:
    problem = toy(objective)
    found = list(search(strategy, problem, Random(0), 40))
    assert found == [problem.evaluate(candidate.arch) for candidate in found]
    assert all(candidate.feasible for candidate in found)
    exact = front(c for c in everything(problem) if c.feasible)
    assert 0.3 < share(found, exact) <= 1
    assert 0 <= regret(found, exact, objective) < 0.2


def test_the_share_of_a_front_counts_every_cost() -> None:
    """Two networks differ only in size: the smaller one alone has at least half of the front's share."""
    small, large = (Candidate((i,), 0.5, {"latency": 1.0, "size": 1.0 + i}, 0.0, True) for i in range(2))
    better = Candidate((2,), 0.9, {"latency": 2.0, "size": 2.0}, 0.0, True)
    assert share([small, better], [small, better]) == 1
    assert share([large, better], [small, better]) < 1


@given(st.integers(0, 1000))
def test_a_cost_of_picks_is_that_of_a_distribution_at_a_corner(seed: int) -> None:
    arch = tuple(np.random.default_rng(seed).integers(OPTIONS, size=LAYERS).tolist())
    corner = [torch.eye(OPTIONS, dtype=torch.float64)[pick] for pick in arch]
    for cost in three_costs(seed).values():
        assert cost.expected(corner).item() == pytest.approx(cost(arch))
        assert cost(cost.lowest) <= cost(arch) <= cost(cost.highest)


def test_a_key_without_further_costs_is_the_same_as_before_there_were_any() -> None:
    assert set(as_json(ObjectiveConfig())) == {"name", "target_ms", "target_fraction", "weight"}
    assert as_json(ObjectiveConfig(costs=["latency", "size"]))["costs"] == ["latency", "size"]


def test_a_search_by_three_costs_tells_all_of_them(finished: Finished, here: Here, tmp_path: Path) -> None:
    runs = copy_steps(finished, tmp_path / "runs", "measure", "train")
    words = (*finished.arguments, "strategy=nsga2", "objective=pareto", "objective.costs=[latency,size,memory]")
    done = here(search_command, *words, f"runs={runs}")
    assert done.code == 0, done.err
    (folder,) = (runs / "search").glob("*")
    with open(folder / "candidates.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    winner = json.loads((folder / "winner.json").read_text())
    own = next(row for row in rows if row["arch"] == "-".join(map(str, winner["arch"])))
    for name in costs.NAMES:
        assert float(own[costs.unit(name).column]) == winner[name]
        assert costs.unit(name).text(winner[name]) in done.out
    assert (folder / "pareto.png").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("objective.costs=[size]",), "objective.costs=[latency,...]"),
        (("objective.costs=[latency,weight]",), "no cost 'weight'"),
        (("objective.costs=[latency,size]", "objective.target_kb=0.001"), "raise objective.target_kb"),
    ],
)
def test_costs_that_cannot_be_are_told(
    words: tuple[str, ...], said: str, finished: Finished, here: Here, tmp_path: Path
) -> None:
    runs = copy_steps(finished, tmp_path / "runs", "measure", "train")
    done = here(search_command, *finished.arguments, *words, f"runs={runs}")
    assert done.code == 2
    assert said in done.err
    assert done.err.count("\n") == 1
