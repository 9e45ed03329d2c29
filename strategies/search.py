"""Runs a strategy for a budget of distinct architectures; the caller logs and saves what comes out."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from random import Random

from search_spaces.space import Arch
from strategies.problem import Candidate, Problem, Strategy

PATIENCE = 50  # yields per candidate of the budget, after which the space counts as exhausted


def search(strategy: Strategy, problem: Problem, rng: Random, budget: int) -> Iterator[Candidate]:
    """Each distinct candidate once, in the strategy's order, until there are `budget` or the space is exhausted."""
    seen: set[Arch] = set()
    for candidate in islice(strategy(problem, rng), PATIENCE * budget):
        if candidate.arch not in seen:
            seen.add(candidate.arch)
            yield candidate
        if len(seen) == budget:
            return
