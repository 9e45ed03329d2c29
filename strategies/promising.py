"""Which architectures may improve a front, by a model of the accuracy: the inner search of MSuNAS (Lu et al. 2020).

Unlike the paper's, the model learns the accuracy's rank, so that a few failed networks do not take up the scale; and
the front is that of optimistic predictions, so that what is uncertain is tried (as in Srinivas et al. 2010, "Gaussian
Process Optimization in the Bandit Setting: No Regret and Experimental Design").
"""

from __future__ import annotations

from random import Random

import moocore
import numpy as np

from search_spaces.space import Arch
from strategies.architecture_model import ArchitectureModel, fitted
from strategies.on_model import explore, informative, normal_scores
from strategies.problem import Candidate, Problem

OPTIMISM = 0.5  # standard deviations that are added to a prediction


def promising(
    problem: Problem, found: dict[Arch, Candidate], count: int, rng: Random, before: ArchitectureModel | None
) -> tuple[list[Arch], ArchitectureModel]:
    """Unknown architectures along the front of optimistic predictions, and the model; `before`: that of fewer."""
    accuracies, seconds = np.array([(c.accuracy, c.latency) for c in found.values()]).T
    chosen = informative(-moocore.pareto_rank(np.column_stack([-accuracies, seconds])))
    picks, ranks = np.array(list(found))[chosen], normal_scores(accuracies)[chosen]
    model = fitted(picks, seconds[chosen], ranks, problem.space.options, before)
    points: dict[Arch, list[float]] = {}

    def costs(picks: np.ndarray) -> np.ndarray:
        seconds = problem.latencies(picks)
        means, deviations = model.predict(picks, seconds)
        rows = np.column_stack([-means - OPTIMISM * deviations, seconds])
        points.update(zip(map(tuple, picks.tolist()), rows.tolist()))
        return rows

    explore(problem, found, costs, rng)
    return spread({arch: point for arch, point in points.items() if arch not in found}, count), model


def spread(points: dict[Arch, list[float]], count: int) -> list[Arch]:
    """Up to `count` of the non-dominated ones, evenly along their front from the fastest to the slowest."""
    if not points:
        return []
    archs, costs = list(points), np.array(list(points.values()))
    front = np.flatnonzero(moocore.is_nondominated(costs))
    front = front[np.argsort(costs[front, 1])]
    return [archs[front[i]] for i in np.unique(np.linspace(0, len(front) - 1, count).round().astype(int))]
