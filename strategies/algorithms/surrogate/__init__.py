"""MSuNAS, the surrogate search of NSGANetV2 (Lu et al. 2020): learns accuracy from the candidates so far.

Costs are exact. NSGA-II searches on the model, and only `promising` results are evaluated; if a single network is
wanted rather than a front, those with the largest `expected_improvement`.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Annotated

from search_spaces.ranges import Range
from search_spaces.space import Arch
from strategies.algorithms.surrogate.architecture_model import ArchitectureModel
from strategies.algorithms.surrogate.expected_improvement import improving
from strategies.algorithms.surrogate.promising import promising
from strategies.problems.problem import Candidate, Problem


def surrogate(
    problem: Problem,
    rng: Random,
    initial: Annotated[int, Range(1, 10_000)] = 15,  # random architectures evaluated first
    batch: Annotated[int, Range(1, 10_000)] = 4,  # architectures evaluated between two fits
) -> Iterator[Candidate]:
    """Algorithm 1: evaluates `initial` random architectures, then repeatedly fits, searches on the model, evaluates."""
    found: dict[Arch, Candidate] = {}
    model: ArchitectureModel | None = None
    chosen = promising if problem.objective.front else improving
    archs = [problem.sample(rng) for _ in range(initial)]
    while True:
        new = problem.evaluate_all(archs)
        yield from new
        found |= {candidate.arch: candidate for candidate in new}
        archs, model = chosen(problem, found, batch, rng, model)
        archs = archs or [problem.sample(rng) for _ in range(batch)]
