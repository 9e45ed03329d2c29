"""Shared by both surrogate searches: the scale on which a model learns scores, and a search that queries the model."""

from __future__ import annotations

from itertools import islice
from random import Random

import numpy as np
from scipy.stats import norm, rankdata

from search_spaces.space import Arch
from strategies.algorithms.nsga2 import Points, evolve
from strategies.problems.problem import Candidate, Problem

POPULATION, GENERATIONS, CROSSOVER = 40, 20, 0.5
LEARNED = 400  # the largest number of candidates to fit, so that a search's time is linear in its length


def explore(problem: Problem, found: dict[Arch, Candidate], points: Points, rng: Random) -> None:
    """Queries the model, `points`, which records its queries.

    In a small space it is queried about all architectures; otherwise NSGA-II queries it, starting from the best
    candidates and random architectures.
    """
    if problem.pool:
        points(np.array(problem.pool))
        return
    best = sorted(found.values(), key=lambda c: c.score, reverse=True)[: POPULATION // 2]
    first = [c.arch for c in best] + [problem.sample(rng) for _ in range(POPULATION - len(best))]
    draws = np.random.default_rng(rng.getrandbits(64))
    list(islice(evolve(problem, points, draws, np.array(first), CROSSOVER), GENERATIONS))


def cost_rows(problem: Problem, picks: np.ndarray) -> np.ndarray:
    """[n, costs] of choices [n, layers]."""
    return np.column_stack([*problem.cost_columns(picks).values()])


def informative(worths: np.ndarray) -> np.ndarray:
    """Indices of the candidates to learn from: all; if there are many, the best and an even selection of the others."""
    if len(worths) <= LEARNED:
        return np.arange(len(worths))
    best, others = np.split(np.argsort(-worths, kind="stable"), [LEARNED // 2])
    return np.append(best, others[np.linspace(0, len(others) - 1, LEARNED - len(best)).round().astype(int)])


def normal_scores(values: np.ndarray) -> np.ndarray:
    """The quantiles of the normal distribution at the values' ranks (van der Waerden 1952)."""
    return norm.ppf((rankdata(values) - 0.5) / len(values))
