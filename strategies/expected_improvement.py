"""Which architectures may improve the best score: those of the largest expected improvement (Jones et al. 1998).

The model learns the score's rank, also from the latency, which is exact. A small space is looked through as a whole.
"""

from __future__ import annotations

from random import Random

import numpy as np
from scipy.stats import norm

from predictors.learned import one_hot
from search_spaces.space import Arch
from strategies import gaussian_process
from strategies.gaussian_process import Process
from strategies.on_model import explore, informative, normal_scores
from strategies.problem import Candidate, Problem


def improving(
    problem: Problem, found: dict[Arch, Candidate], count: int, rng: Random, before: Process | None
) -> tuple[list[Arch], Process]:
    """Unknown feasible architectures by their expected improvement on the best score, and the model that expects it.

    They are from the problem's pool, or from evolution on the model where there is none. `before`: the model of fewer.
    """
    options, scores = problem.space.options, normal_scores(np.array([c.score for c in found.values()]))
    chosen = informative(scores)
    known, scores = np.array(list(found))[chosen], scores[chosen]
    times = np.log([candidate.latency for candidate in found.values()])[chosen]
    middle, scale = times.mean(), times.std() or 1.0

    def features(picks: np.ndarray, times: np.ndarray) -> np.ndarray:
        return np.column_stack([one_hot(picks, options), (times - middle) / scale])

    steps = gaussian_process.STEPS if len(found) == len(chosen) else 1
    model = gaussian_process.fitted(features(known, times), scores, len(options), before, steps)
    gains: dict[Arch, float] = {}

    def costs(picks: np.ndarray) -> np.ndarray:
        gain = improvement(*model.predict(features(picks, np.log(problem.latencies(picks)))), scores.max())
        gains.update(zip(map(tuple, picks.tolist()), gain.tolist()))
        return -gain[:, None].repeat(2, axis=1)

    if problem.pool:
        costs(np.array(problem.pool))
    else:
        explore(problem, found, costs, rng)
    return sorted(gains.keys() - found.keys(), key=lambda arch: (-gains[arch], arch))[:count], model


def improvement(means: np.ndarray, deviations: np.ndarray, best: float) -> np.ndarray:
    """What normal values [n] are expected to exceed `best` by, 0 where they do not (Jones et al., eq. 15)."""
    z = (means - best) / deviations
    return deviations * (z * norm.cdf(z) + norm.pdf(z))
