"""Runs a strategy for a budget of distinct architectures; the caller logs and saves the candidates."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from search_spaces.space import Arch
from strategies.problems.problem import Candidate, Problem, Strategy

PATIENCE = 50  # consecutive repeats per known network after which the space counts as exhausted


def search(strategy: Strategy, problem: Problem, rng: Random, budget: int) -> Iterator[Candidate]:
    """Yields each distinct candidate once, in the strategy's order, until there are `budget` or the space is exhausted.

    It is exhausted when all feasible networks of a small space are known, or after many consecutive repeats.
    """
    seen: set[Arch] = set()
    unknown, repeats = set(problem.pool), 0
    for candidate in strategy(problem, rng):
        repeats += 1
        if candidate.arch not in seen:
            seen.add(candidate.arch)
            unknown.discard(candidate.arch)
            repeats = 0
            yield candidate
        exhausted = repeats > PATIENCE * (len(seen) + 1) or (problem.pool and not unknown)
        if len(seen) == budget or exhausted:
            return
