"""Tests which candidates of a search are its finalists, and which of them wins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from itertools import combinations
from random import Random

import pytest

from experiments.config import Config
from experiments.steps.candidate_table import candidate_rows
from experiments.steps.finalists import differing_layers, finalists
from experiments.steps.plan import plan_of
from experiments.store import artefacts
from paper.candidate_rows import Candidate as Row
from paper.candidate_rows import winner_of
from search_spaces.space import Arch
from search_spaces.spaces.tiny import tiny
from strategies.problems.objective import MnasNet
from strategies.problems.problem import Candidate, best


def candidates(count: int, slow: int = 0) -> list[Candidate]:
    """Random networks with random scores; the last `slow` are the best, and infeasible."""
    space, rng = tiny(1, 16, 10), Random(0)
    archs = space.others(count, (), rng)
    return [
        Candidate(
            arch, (value := rng.random()), {"latency": 1.0}, value + (place >= count - slow), place < count - slow
        )
        for place, arch in enumerate(archs)
    ]


FREE = sum(options > 1 for options in tiny(1, 16, 10).options)


def apart(found: list[Candidate], layers: int) -> list[Candidate]:
    """The best feasible candidates that differ in so many layers."""
    chosen: list[Candidate] = []
    for one in sorted(found, key=lambda one: -one.score):
        if one.feasible and all(differing_layers(one.arch, other.arch) >= layers for other in chosen):
            chosen.append(one)
    return chosen


@pytest.mark.parametrize("count", [1, 3, 5, 20, 100])
def test_finalists_are_the_best_that_are_not_alike(count: int) -> None:
    found = candidates(60, slow=10)
    space = tiny(1, 16, 10)
    made = finalists(space, found, count)
    assert made == finalists(space, found[::-1], count)
    assert len(made) == min(count, 50)
    assert made[0] == best(found)
    assert all(one.feasible for one in made)
    closest = min((differing_layers(a.arch, b.arch) for a, b in combinations(made, 2)), default=FREE)
    least = min(closest, (FREE + 1) // 2)
    assert (least < FREE / 2) == (count > 5)  # only where there are fewer may they be more alike,
    for layers in range(least + 1, (FREE + 1) // 2 + 1):  # and no more than needed
        assert len(apart(found, layers)) < count
    for one in found:  # whoever is left out is worse than all, or too much like a better one
        if one.feasible and one not in made:
            alike = any(other.score > one.score and differing_layers(one.arch, other.arch) < least for other in made)
            assert alike or one.score < made[-1].score


@pytest.mark.parametrize("feasible", [17, 0])
def test_the_finalist_with_the_best_score_wins_and_without_finalists_the_best_candidate(feasible: int) -> None:
    """Of finalists that are equally accurate, MnasNet's objective takes the faster one, whichever was the first."""
    found = candidates(20, slow=20 - feasible)
    goal, settings = MnasNet({"latency": 1.0}), replace(plan_of(Config()).searching, space=tiny(1, 16, 10))
    names = [one.name for one in fields(Row)]

    def winner(trained: Mapping[Arch, float]) -> str:
        rows = candidate_rows(settings, goal, found, trained)
        return winner_of([Row(**{name: row.get(name) for name in names} | {"costs": {}}) for row in rows]).arch

    assert winner({}) == artefacts.arch_name(best(found).arch)
    found = [replace(one, costs={"latency": 1.0 + place}) for place, one in enumerate(found)]
    slow, fast = found[5], found[2]
    assert winner({slow.arch: 0.7, fast.arch: 0.7}) == artefacts.arch_name(fast.arch)
    assert winner({slow.arch: 0.9, fast.arch: 0.7}) == artefacts.arch_name(slow.arch)
