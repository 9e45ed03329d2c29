"""What surrogates share: the scale on which a model learns scores, and a search that asks it instead of evaluating."""

from __future__ import annotations

from itertools import islice
from random import Random

import numpy as np
from scipy.stats import norm, rankdata

from search_spaces.space import Arch
from strategies.algorithms.nsga2 import Points, evolve
from strategies.problems.problem import Candidate, Problem

POPULATION, GENERATIONS, CROSSOVER = 40, 20, 0.5
LEARNED = 400  # candidates that a model is fitted to, at most: the time of a search then grows with its length alone


def explore(problem: Problem, found: dict[Arch, Candidate], points: Points, rng: Random) -> None:
    """Asks the model, which is `points` and keeps what it is asked, about all of a small space.

    In another one NSGA-II asks it, from the best candidates and random architectures on.
    """
    if problem.pool:
        points(np.array(problem.pool))
        return
    best = sorted(found.values(), key=lambda c: c.score, reverse=True)[: POPULATION // 2]
    first = [c.arch for c in best] + [problem.sample(rng) for _ in range(POPULATION - len(best))]
    draws = np.random.default_rng(rng.getrandbits(64))
    list(islice(evolve(problem, points, draws, np.array(first), CROSSOVER), GENERATIONS))


def cost_rows(problem: Problem, picks: np.ndarray) -> np.ndarray:
    """[n, costs] of picks [n, layers]."""
    return np.column_stack([*problem.cost_columns(picks).values()])


def informative(worths: np.ndarray) -> np.ndarray:
    """Indices of the candidates to learn from: all; where they are many, the best and an even part of the others."""
    if len(worths) <= LEARNED:
        return np.arange(len(worths))
    best, others = np.split(np.argsort(-worths, kind="stable"), [LEARNED // 2])
    return np.append(best, others[np.linspace(0, len(others) - 1, LEARNED - len(best)).round().astype(int)])


def normal_scores(values: np.ndarray) -> np.ndarray:
    """The normal distribution's quantiles at the values' ranks (van der Waerden 1952)."""
    return norm.ppf((rankdata(values) - 0.5) / len(values))
