"""Random search: the baseline that every strategy must beat (Li & Talwalkar 2019)."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from strategies.problems.problem import Candidate, Problem


def random(problem: Problem, rng: Random) -> Iterator[Candidate]:
    """Feasible random architectures."""
    while True:
        yield problem.evaluate(problem.sample(rng))
