"""Architectures that may improve a front, by a model of accuracy: the inner search of MSuNAS (Lu et al. 2020).

It differs from the paper in three ways. The model learns the accuracy's rank, so that a few failed networks do not
dominate the scale. Those architectures are evaluated that gain the most hypervolume by optimistic predictions, which
favours uncertain ones (Ponweiser et al. 2008, "Multiobjective Optimization on a Limited Budget of Evaluations Using
Model-Assisted S-Metric Selection"). How optimistic they are is drawn for each batch (Hutter et al. 2012, "Parallel
Algorithm Configuration"): some batches refine the known front, others explore. With a constant, some searches never
found a part of the front.
"""

from __future__ import annotations

from random import Random

import moocore
import numpy as np

from search_spaces.space import Arch
from strategies.algorithms.surrogate.architecture_model import ArchitectureModel, fitted
from strategies.algorithms.surrogate.on_model import cost_rows, explore, informative, normal_scores
from strategies.problems.problem import Candidate, Problem
from strategies.quality.regret import REFERENCE

# mean number of standard deviations added to predictions; tuned, like `initial`, on seeds that no benchmark uses
OPTIMISM = 1.5


def promising(
    problem: Problem, found: dict[Arch, Candidate], count: int, rng: Random, before: ArchitectureModel | None
) -> tuple[list[Arch], ArchitectureModel]:
    """New architectures on the front of optimistic predictions, and the model; `before`: one fitted on fewer."""
    accuracies = np.array([c.accuracy for c in found.values()])
    costs = np.array([[*c.costs.values()] for c in found.values()])
    chosen = informative(-moocore.pareto_rank(np.column_stack([-accuracies, costs])))
    picks, ranks = np.array(list(found))[chosen], normal_scores(accuracies)[chosen]
    model = fitted(picks, costs[chosen], ranks, problem.space.options, before)
    optimism = rng.expovariate(1 / OPTIMISM)
    known: dict[Arch, list[float]] = {}

    def points(picks: np.ndarray) -> np.ndarray:
        costs = cost_rows(problem, picks)
        means, deviations = model.predict(picks, costs)
        rows = np.column_stack([-means - optimism * deviations, costs])
        known.update(zip(map(tuple, picks.tolist()), rows.tolist()))
        return rows

    explore(problem, found, points, rng)
    unknown = {arch: point for arch, point in known.items() if arch not in found}
    return largest_gains(unknown, np.column_stack([-normal_scores(accuracies), costs]), count), model


def largest_gains(points: dict[Arch, list[float]], seen: np.ndarray, count: int) -> list[Arch]:
    """Chooses up to `count` non-dominated architectures one by one, each with the largest gain in hypervolume.

    The gain is over `seen` and the architectures chosen before. Objectives are normalised to their ranges; the
    reference point is 1.1 in each, as in `strategies.quality.regret`.
    """
    if not points:
        return []
    archs, rows = list(points), np.array(list(points.values()))
    front = np.flatnonzero(moocore.is_nondominated(rows))
    every = np.concatenate([rows[front], seen])
    best, span = every.min(0), np.ptp(every, axis=0)
    span[span == 0] = 1
    rows, seen = (rows[front] - best) / span, (seen - best) / span
    chosen: list[int] = []
    while len(chosen) < min(count, len(front)):
        seen = seen[moocore.is_nondominated(seen)]
        gains = [moocore.hypervolume(np.vstack([seen, row]), ref=np.full(len(best), REFERENCE)) for row in rows]
        left = [index for index in np.argsort(gains)[::-1].tolist() if index not in chosen]
        chosen.append(left[0])
        seen = np.vstack([seen, rows[left[0]]])
    return [archs[front[index]] for index in chosen]
