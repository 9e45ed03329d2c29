"""Tests the contract of every strategy, and what their papers state."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random

import pytest
import torch
from torch import Tensor

from search_spaces.space import Arch, SearchSpace
from strategies.algorithms.evolution import evolution
from strategies.algorithms.surrogate import surrogate
from strategies.problems.objective import Bounded, MnasNet, Objective, Pareto
from strategies.problems.problem import Candidate, Problem, Strategy, best, front
from strategies.problems.search import search
from tests.strategies.toys import LAYERS, OPTIONS, Toy, every_strategy, everything, found, toy


@every_strategy
@pytest.mark.parametrize(
    "objective", [MnasNet({"latency": 0.015}), Bounded({"latency": 0.012}), Pareto({"latency": 0.025})], ids=str
)
def test_same_seed_same_candidates(strategy: Strategy, objective: Objective) -> None:
    problem = toy(objective)
    first = found(strategy, problem, 0, 40)
    assert first == found(strategy, problem, 0, 40)
    assert first != found(strategy, problem, 1, 40)


@every_strategy
def test_candidates_are_valid_distinct_and_measured_by_the_one_ruler(strategy: Strategy) -> None:
    problem = toy(Bounded({"latency": 0.012}), valid=lambda arch: sum(arch) % 3 != 0)
    candidates = found(strategy, problem, 0, 60)
    assert len({candidate.arch for candidate in candidates}) == len(candidates) == 60
    assert all(problem.space.valid(problem.space.check(candidate.arch)) for candidate in candidates)
    judged = [replace(candidate, mixture=None) for candidate in candidates]
    assert judged == [problem.evaluate(candidate.arch) for candidate in candidates]
    assert all(candidate.feasible for candidate in candidates)


@every_strategy
def test_a_killed_search_is_replayed_without_paying_again(strategy: Strategy) -> None:
    undisturbed = found(strategy, toy(Pareto({"latency": 0.025})), 3, 40)
    paid: list[Arch] = []
    problem = toy(Pareto({"latency": 0.025}))

    def charged(archs: Sequence[Arch]) -> Sequence[float]:
        paid.extend(archs)
        return problem.accuracies(archs)

    memo = {candidate.arch: candidate.accuracy for candidate in undisturbed[:25]}
    assert found_with(strategy, replace(problem, accuracies=charged, memo=memo)) == undisturbed
    assert paid[:15] == [candidate.arch for candidate in undisturbed[25:]]  # a last population may be completed


def found_with(strategy: Strategy, problem: Problem) -> list[Candidate]:
    return list(search(strategy, problem, Random(3), 40))


@every_strategy
def test_a_small_space_is_exhausted(strategy: Strategy) -> None:
    space = SearchSpace("small", (("only",), ("a", "b", "c"), ("a", "b")), (0, 0, 0))
    accuracies, latency = (lambda archs: [0.5] * len(archs)), (lambda arch: 0.1 + 0.01 * sum(arch))
    problem = Problem(space, Pareto({"latency": 1.0}), accuracies, {"latency": latency}, lambda seed: Flat())
    assert len(found(strategy, problem, 0, 7)) == 6


class Flat(Toy):
    """Every option has the same loss."""

    def loss(self, distribution: list[Tensor]) -> Tensor:
        return torch.stack([p.sum() for p in distribution]).sum()

    def costs(self, distribution: list[Tensor]) -> dict[str, Tensor]:
        return {"latency": self.loss(distribution) / 100}


def test_search_stops_asking_at_the_budget() -> None:
    def strategy(problem: Problem, rng: Random) -> Iterator[Candidate]:
        for pick in (0, 0, 1, 1, 2):
            yield problem.evaluate((pick,) * LAYERS)
        raise AssertionError("asked for more than the budget")

    assert [candidate.arch[0] for candidate in search(strategy, toy(Pareto({"latency": 1.0})), Random(0), 3)] == [
        0,
        1,
        2,
    ]


def test_evolution_breeds_only_from_the_young() -> None:
    candidates = evolution(toy(Pareto({"latency": 0.025})), Random(0), population=5, tournament=2)
    archs = [candidate.arch for candidate in itertools.islice(candidates, 40)]
    for index in range(5, 40):
        parents = archs[index - 5 : index]
        assert any(sum(a != b for a, b in zip(archs[index], parent)) == 1 for parent in parents)


def test_surrogate_finds_the_optimum_of_a_separable_toy() -> None:
    for limit in (0.009, 0.012, 0.015):
        problem = toy(Bounded({"latency": limit}))
        exact = best(problem.evaluate(arch) for arch in everything(problem.space))
        assert best(found(surrogate, problem, 0, 80)) == exact


def test_best_prefers_the_feasible_then_the_score() -> None:
    problem = toy(Bounded({"latency": 0.012}))
    candidates = [problem.evaluate(arch) for arch in itertools.product(range(OPTIONS), repeat=LAYERS)]
    winner = best(candidates)
    assert winner.feasible
    assert winner.accuracy == max(c.accuracy for c in candidates if c.feasible)
    outside = [c for c in candidates if not c.feasible]
    assert best(outside).costs["latency"] == min(c.costs["latency"] for c in outside)
    assert best(front(candidates)[:1]) == min(candidates, key=lambda c: c.costs["latency"])
