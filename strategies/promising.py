"""Which architectures may improve a front, by a model of the accuracy: the inner search of MSuNAS (Lu et al. 2020).

Unlike the paper's, the model learns the accuracy's rank, so that a few failed networks do not take up the scale.
"""

from __future__ import annotations

from functools import partial
from random import Random

import moocore
import numpy as np
from scipy.linalg import cho_solve
from scipy.stats import kendalltau
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF

from predictors.learned import one_hot
from search_spaces.space import Arch
from strategies.on_model import explore, informative, normal_scores
from strategies.problem import Candidate, Problem

LENGTHS = (0.4, 0.6, 0.8, 1.2, 2.0, 4.0)  # of the kernel, in roots of the number of layers
NOISES = (1e-3, 1e-1)  # variance, as a share of that of the ranks' normal scores


def promising(problem: Problem, found: dict[Arch, Candidate], count: int, rng: Random) -> list[Arch]:
    """Unknown architectures, by the model: half of them by the objective's score, the others spread along the front."""
    options, objective = problem.space.options, problem.objective
    accuracies, seconds = np.array([(c.accuracy, c.latency) for c in found.values()]).T
    chosen = informative(-moocore.pareto_rank(np.column_stack([-accuracies, seconds])))
    picks, accuracies, ranks = np.array(list(found))[chosen], accuracies[chosen], normal_scores(accuracies)[chosen]
    model = fitted(one_hot(picks, options), ranks)
    points: dict[Arch, list[float]] = {}

    def costs(picks: np.ndarray) -> np.ndarray:
        rows = np.column_stack([-model.predict(one_hot(picks, options)), problem.latencies(picks)])
        points.update(zip(map(tuple, picks.tolist()), rows.tolist()))
        return rows

    def worth(arch: Arch) -> tuple[float, float]:
        rank, seconds = -points[arch][0], points[arch][1]
        accuracy = float(np.interp(rank, np.sort(ranks), np.sort(accuracies)))
        return objective.score(accuracy, seconds), rank

    explore(problem, found, costs, rng)
    unknown = {arch: point for arch, point in points.items() if arch not in found}
    leading = sorted(unknown, key=worth, reverse=True)[: count // 2]
    return list(dict.fromkeys(leading + spread(unknown, count - len(leading))))


def spread(points: dict[Arch, list[float]], count: int) -> list[Arch]:
    """Up to `count` of the non-dominated ones, evenly along their front from the fastest to the slowest."""
    if not points:
        return []
    archs, costs = list(points), np.array(list(points.values()))
    front = np.flatnonzero(moocore.is_nondominated(costs))
    front = front[np.argsort(costs[front, 1])]
    return [archs[front[i]] for i in np.linspace(0, len(front) - 1, count).round().astype(int)]


def fitted(features: np.ndarray, targets: np.ndarray) -> GaussianProcessRegressor:
    """Of Gaussian processes the one whose leave-one-out predictions rank best: section 3.2's adaptive switching.

    On one-hot features [n, options] their kernel falls with the number of layers that differ.
    """

    def tau(model: GaussianProcessRegressor) -> float:
        inverse = cho_solve((model.L_, True), np.eye(len(targets)))
        left_out = model.y_train_ - model.alpha_ / inverse.diagonal()  # Rasmussen & Williams 2006, eq. 5.12
        return float(np.nan_to_num(kendalltau(left_out, targets).statistic))

    kernels = [RBF(length * features[0].sum() ** 0.5) for length in LENGTHS]
    process = partial(GaussianProcessRegressor, optimizer=None, normalize_y=True)
    return max((process(k, alpha=noise).fit(features, targets) for k in kernels for noise in NOISES), key=tau)
