"""NSGA-II (Deb et al. 2002, "A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II"): accuracy up, costs down.

A population is an array of choices [n, layers] and an array of points [n, m], which are error and costs. The
objective's score is not used. All members are feasible by their predicted costs, so the paper's constrained domination
(section VI) is not needed; those whose measured latency misses the target stay as parents. Duplicates count once,
because copies would crowd a discrete space.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Annotated

import moocore
import numpy as np
from numpy.random import Generator

from search_spaces.ranges import Fraction, Range
from strategies.problems.feasible import DRAWS, Feasible
from strategies.problems.problem import Candidate, Problem

Points = Callable[[np.ndarray], np.ndarray]  # choices [n, layers] -> [n, m], all to be minimised
AGAIN = 0.1  # probability of one more mutation


def nsga2(
    problem: Problem,
    rng: Random,
    population: Annotated[int, Range(1, 10_000)] = 8,  # members
    crossover: Fraction = 0.0,  # probability that a child has two parents
) -> Iterator[Candidate]:
    """`crossover` is the probability that a child has two parents.

    The defaults are for hundreds of evaluations; the paper uses 100 members and 90 % crossover for tens of thousands.
    """
    offspring: list[Candidate] = []

    def points(picks: np.ndarray) -> np.ndarray:
        offspring[:] = problem.evaluate_all([tuple(arch) for arch in picks.tolist()])
        return np.array([[1 - c.accuracy, *c.costs.values()] for c in offspring])

    first = np.array([problem.sample(rng) for _ in range(population)])
    for _ in evolve(problem, points, np.random.default_rng(rng.getrandbits(64)), first, crossover):
        yield from offspring


def evolve(
    problem: Feasible, points_of: Points, rng: Generator, first: np.ndarray, crossover: float
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Section III-C from a given population: yields each generation's survivors, choices and points, best first."""
    size, weights = len(first), rng.integers(2**62, size=first.shape[1])
    picks, points = first, points_of(first)
    while True:
        distinct = np.sort(
            np.unique(picks @ weights, return_index=True)[1]
        )  # compares random sums, which collide with probability 2**-62
        best = distinct[survivors(points.take(distinct, 0), size)]
        picks, points = picks.take(best, 0), points.take(best, 0)
        yield picks, points
        offspring = children(problem, picks, size, crossover, rng)
        picks, points = np.concatenate([picks, offspring]), np.concatenate([points, points_of(offspring)])


def children(problem: Feasible, parents: np.ndarray, count: int, crossover: float, rng: Generator) -> np.ndarray:
    """Binary tournaments among parents (best first), uniform crossover, mutation; infeasible children are redrawn."""
    born, left = parents[:1].repeat(count, 0), np.arange(count)
    for _ in range(DRAWS):
        mothers, fathers = parents.take(np.minimum(*rng.integers(len(parents), size=(2, 2, len(left)))), 0)
        share = np.where(rng.random((len(left), 1)) < crossover, 0.5, 0.0)
        bred = np.where(rng.random(mothers.shape, np.float32) < share, fathers, mothers)
        mutate(bred, np.array(problem.space.options), rng)
        born[left] = problem.space.canonical_all(bred)
        left = left[~problem.feasible_all(born[left])]
        if not len(left):
            return born
    draws = Random(int(rng.integers(2**62)))  # used if hardly any child is feasible
    born[left] = [problem.sample(draws) for _ in left]
    return born


def mutate(picks: np.ndarray, options: np.ndarray, rng: Generator) -> None:
    """Mutates in place: one choice, as in the paper's rate of 1/n; one more with probability 1/10, and so on."""
    free = np.flatnonzero(options > 1)
    rows = np.repeat(np.arange(len(picks)), rng.geometric(1 - AGAIN, len(picks)))
    layers = free[rng.integers(len(free), size=len(rows))]
    steps = 1 + (rng.random(len(rows)) * (options[layers] - 1)).astype(int)
    picks[rows, layers] = (picks[rows, layers] + steps) % options[layers]


def survivors(points: np.ndarray, count: int) -> np.ndarray:
    """Indices of the `count` best of points [n, m], best first: by front, then by crowding distance."""
    ranks = moocore.pareto_rank(points)
    return np.lexsort((-crowding_distance(points, ranks), ranks))[:count]


def crowding_distance(points: np.ndarray, ranks: np.ndarray) -> np.ndarray:
    """The sum of the normalised sides of the box between each point's neighbours in its front [n] (section III-B)."""
    total = np.zeros(len(points))
    for column in range(points.shape[1]):
        others = np.delete(points, column, axis=1).T
        order = np.lexsort((*others, points[:, column], ranks))  # along each front
        front, along = ranks[order], points[order, column]
        last = np.flatnonzero(np.append(front[1:] != front[:-1], True))
        first = np.append(0, last[:-1] + 1)
        span = along[last] - along[first]
        box = np.zeros_like(along)
        box[1:-1] = along[2:] - along[:-2]
        box /= np.where(span == 0, 1, span).repeat(last - first + 1)
        box[first] = box[last] = np.inf
        total[order] += box
    return total
