"""NSGA-II (Deb et al. 2002, "A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II"): accuracy up, latency down.

The objective's score plays no part, only its `feasible` does, by constrained domination (section VI). Equal picks count
once in a population, as copies would crowd a discrete space.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from random import Random

from search_spaces.space import Arch, SearchSpace
from strategies.problem import Candidate, Problem


def nsga2(problem: Problem, rng: Random, population: int = 8, crossover: float = 0.3) -> Iterator[Candidate]:
    """Section III-C: binary tournaments, crossover, mutation, then the best of parents and offspring together.

    The paper has a population of 100 and crosses 90 % of the children, for 25,000 evaluations; the defaults are for
    hundreds. For thousands, 20 members cover the front better.
    """
    space = problem.space
    parents: list[Candidate] = []
    archs = [space.sample(rng) for _ in range(population)]
    while True:
        offspring = problem.evaluate_all(archs)
        yield from offspring
        parents = survivors(parents + offspring, population)
        archs = []
        for _ in range(population):
            arch = tournament(parents, rng)
            if rng.random() < crossover:
                arch = space.crossover(arch, tournament(parents, rng), rng)
            archs.append(mutate(space, arch, rng))


def tournament(parents: list[Candidate], rng: Random) -> Arch:
    """The better of two by the crowded comparison, in whose order `survivors` come."""
    return parents[min(rng.randrange(len(parents)), rng.randrange(len(parents)))].arch


def mutate(space: SearchSpace, arch: Arch, rng: Random) -> Arch:
    """One pick drawn anew, as the paper's rate of 1/n expects of a child, and every tenth time another one as well."""
    free = [layer for layer, count in enumerate(space.options) if count > 1]
    while True:
        child = list(arch)
        again = True
        while again:
            layer = rng.choice(free)
            child[layer] = rng.randrange(space.options[layer])
            again = rng.random() < 0.1
        if space.valid(tuple(child)):
            return tuple(child)


def survivors(candidates: list[Candidate], count: int) -> list[Candidate]:
    """The `count` best distinct ones, best first: by front, and within a front the least crowded first."""
    distinct = list({candidate.arch: candidate for candidate in candidates}.values())
    ranked: list[Candidate] = []
    for front in non_dominated_sort(distinct):
        distances = crowding_distance(front)
        ranked += [front[i] for i in sorted(range(len(front)), key=lambda i: -distances[i])]
    return ranked[:count]


def dominates(a: Candidate, b: Candidate) -> bool:
    """Constrained domination (definition 1): feasible before infeasible, infeasible ones by their violation."""
    if not (a.feasible and b.feasible):
        return a.feasible > b.feasible or (not b.feasible and not a.feasible and a.latency < b.latency)
    return a.accuracy >= b.accuracy and a.latency <= b.latency and (a.accuracy, a.latency) != (b.accuracy, b.latency)


def non_dominated_sort(candidates: list[Candidate]) -> list[list[Candidate]]:
    """Fronts, best first: each is what nothing left over dominates (section III-A)."""
    fronts, left = [], candidates
    while left:
        front = [c for c in left if not any(dominates(other, c) for other in left)]
        left = [c for c in left if c not in front]
        fronts.append(front)
    return fronts


def crowding_distance(front: list[Candidate]) -> list[float]:
    """Half the normalised circumference of the box between a point's neighbours (section III-B); ends are infinite."""
    distances = [0.0] * len(front)
    for values in ([c.accuracy for c in front], [c.latency for c in front]):
        order = sorted(range(len(front)), key=values.__getitem__)
        spread = values[order[-1]] - values[order[0]] or 1.0
        distances[order[0]] = distances[order[-1]] = math.inf
        for before, here, after in zip(order, order[1:], order[2:]):
            distances[here] += (values[after] - values[before]) / spread
    return distances
