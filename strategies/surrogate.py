"""MSuNAS, the surrogate search of NSGANetV2 (Lu et al. 2020): accuracy is learned from the candidates so far.

The latency is exact. NSGA-II works on the model, and only what it finds `promising` is evaluated; where one network is
wanted, not a front, those of the largest `expected_improvement`.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from search_spaces.space import Arch
from strategies.expected_improvement import feasible, improving
from strategies.gaussian_process import Process
from strategies.objective import Pareto
from strategies.problem import Candidate, Problem
from strategies.promising import promising

DRAWS = 50  # at most, for each random architecture, until it is feasible


def surrogate(problem: Problem, rng: Random, initial: int = 20, batch: int = 8) -> Iterator[Candidate]:
    """Algorithm 1: random architectures first; then fit, search on the model, evaluate a batch, again and again."""
    found: dict[Arch, Candidate] = {}
    model: Process | None = None
    archs = drawn(problem, initial, rng)
    pool = None if isinstance(problem.objective, Pareto) else feasible(problem)
    while True:
        new = problem.evaluate_all(archs)
        yield from new
        found |= {candidate.arch: candidate for candidate in new}
        if pool is None:
            archs = promising(problem, found, batch, rng)
        else:
            archs, model = improving(problem, found, batch, rng, pool, model)
        archs = archs or [problem.space.sample(rng) for _ in range(batch)]


def drawn(problem: Problem, count: int, rng: Random) -> list[Arch]:
    """Random feasible architectures; where many draws hold too few, the fastest others beside them."""
    fitting: list[Arch] = []
    others: list[Arch] = []
    while len(fitting) < count and len(fitting) + len(others) < DRAWS * count:
        arch = problem.space.sample(rng)
        (fitting if problem.objective.feasible(problem.latency(arch)) else others).append(arch)
    return fitting + sorted(others, key=problem.latency)[: count - len(fitting)]
