"""Regularized evolution (Real et al. 2019, "Regularized Evolution for Image Classifier Architecture Search", alg. 1).

The population ages: each child replaces the oldest member, not the worst, so no member survives on one lucky
evaluation.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from random import Random
from typing import Annotated

from search_spaces.ranges import Range
from strategies.problems.problem import Candidate, Problem


def evolution(
    problem: Problem,
    rng: Random,
    population: Annotated[int, Range(1, 10_000)] = 25,  # number of members; a new one replaces the oldest
    tournament: Annotated[int, Range(1, 10_000)] = 10,  # number of members drawn; the best of them is mutated
) -> Iterator[Candidate]:
    """Draws `tournament` random members and mutates one choice of the one with the best score.

    In a small space, all neighbours may already be known: after `population` known children in a row, random
    architectures are added until one is new. The paper's space is too large for that to happen.
    """
    members: deque[Candidate] = deque(maxlen=population)  # oldest first; a full deque drops it
    seen = set()
    repeats = 0
    while True:
        if len(members) < population or repeats >= population:
            arch = problem.sample(rng)
        else:
            sample = [rng.choice(members) for _ in range(tournament)]
            parent = max(sample, key=lambda candidate: candidate.score)
            arch = problem.mutate(parent.arch, rng)
        repeats = repeats + 1 if arch in seen else 0
        seen.add(arch)
        members.append(problem.evaluate(arch))
        yield members[-1]
