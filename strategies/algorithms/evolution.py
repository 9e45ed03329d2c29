"""Regularized evolution (Real et al. 2019, "Regularized Evolution for Image Classifier Architecture Search", alg. 1).

The population ages: each child replaces the oldest, not the worst, so that nothing survives by one lucky evaluation.
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
    population: Annotated[int, Range(1, 10_000)] = 25,
    tournament: Annotated[int, Range(1, 10_000)] = 10,
) -> Iterator[Candidate]:
    """Mutates the best of a random sample of `tournament` members, by score, one pick at a time.

    In a small space all neighbours become known: after `population` children in a row that were there before, random
    ones come in until there is news. The paper's space is too large for that to happen.
    """
    members: deque[Candidate] = deque(maxlen=population)  # the oldest on the left, which a full deque drops
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
