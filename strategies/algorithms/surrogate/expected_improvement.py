"""Architectures that may improve the best score, by expected improvement (Jones et al. 1998).

The model learns the score's rank.
"""

from __future__ import annotations

from random import Random

import numpy as np
from scipy.stats import norm

from search_spaces.space import Arch
from strategies.algorithms.surrogate.architecture_model import ArchitectureModel, fitted
from strategies.algorithms.surrogate.on_model import cost_rows, explore, informative, normal_scores
from strategies.problems.problem import Candidate, Problem


def improving(
    problem: Problem, found: dict[Arch, Candidate], count: int, rng: Random, before: ArchitectureModel | None
) -> tuple[list[Arch], ArchitectureModel]:
    """New feasible architectures with the largest expected improvement on the best score, and the model.

    `before`: the model fitted on fewer candidates.
    """
    scores = normal_scores(np.array([c.score for c in found.values()]))
    chosen = informative(scores)
    picks, scores = np.array(list(found))[chosen], scores[chosen]
    model = fitted(picks, cost_rows(problem, picks), scores, problem.space.options, before)
    gains: dict[Arch, float] = {}

    def points(picks: np.ndarray) -> np.ndarray:
        gain = improvement(*model.predict(picks, cost_rows(problem, picks)), scores.max())
        gains.update(zip(map(tuple, picks.tolist()), gain.tolist()))
        return -gain[:, None].repeat(2, axis=1)

    explore(problem, found, points, rng)
    return sorted(gains.keys() - found.keys(), key=lambda arch: (-gains[arch], arch))[:count], model


def improvement(means: np.ndarray, deviations: np.ndarray, best: float) -> np.ndarray:
    """The expected excess over `best` of normal variables [n], 0 where there is none (Jones et al., eq. 15)."""
    z = (means - best) / deviations
    return deviations * (z * norm.cdf(z) + norm.pdf(z))
