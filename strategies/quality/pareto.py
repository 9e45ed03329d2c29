"""Pareto fronts as arrays, with scores to be maximised and costs to be minimised."""

from __future__ import annotations

import moocore
import numpy as np


def nondominated(scores: np.ndarray, costs: np.ndarray) -> np.ndarray:
    """Indices of the points, scores [n] and costs [n, m], that no other point dominates; equal points appear once.

    Ordered by the first cost, then the next.
    """
    order = np.lexsort(costs.T[::-1])  # stable
    if costs.shape[1] > 1:
        return order[moocore.is_nondominated(np.column_stack([-scores, costs])[order], keep_weakly=False)]
    rising = scores[order]
    order = order[np.append(True, rising[1:] > np.maximum.accumulate(rising)[:-1])]
    times = costs[order, 0]
    return order[np.append(times[1:] > times[:-1], True)]  # of equal costs, the last has the best score


def thinned(scores: np.ndarray, points: int) -> tuple[np.ndarray, float]:
    """At most `points` indices into a front's scores [n], including its ends, and the largest loss of score.

    Divides the scores into `points` - 1 equal intervals and keeps the cheapest point of each, and the last point
    overall: each kept point costs no more than those it represents, and its score is lower by less than an interval.
    """
    if len(scores) <= points:
        return np.arange(len(scores)), 0.0
    interval = np.searchsorted(np.linspace(scores[0], scores[-1], points), scores, side="right")
    first = np.flatnonzero(np.diff(interval, prepend=0))
    last = np.append(first[1:], len(scores)) - 1
    return first, float((scores[last] - scores[first]).max())
