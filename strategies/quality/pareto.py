"""Fronts as arrays, of scores that are to be high and costs that are to be low: what nothing dominates, or a part."""

from __future__ import annotations

import moocore
import numpy as np


def nondominated(scores: np.ndarray, costs: np.ndarray) -> np.ndarray:
    """Indices of the points, scores [n] and costs [n, m], that no other beats in all; one of equals.

    In the order of the first cost, then of the next.
    """
    order = np.lexsort(costs.T[::-1])  # stable
    if costs.shape[1] > 1:
        return order[moocore.is_nondominated(np.column_stack([-scores, costs])[order], keep_weakly=False)]
    rising = scores[order]
    order = order[np.append(True, rising[1:] > np.maximum.accumulate(rising)[:-1])]
    times = costs[order, 0]
    return order[np.append(times[1:] > times[:-1], True)]  # of those that cost as much, the last is the best


def thinned(scores: np.ndarray, points: int) -> tuple[np.ndarray, float]:
    """At most `points` indices into a front's scores [n], its ends among them, and the score that is lost at most.

    Of the points in each of `points` - 1 equal intervals of the score the cheapest stays, and the last point of all: no
    dearer than those that it stands for, and worse by less than the interval.
    """
    if len(scores) <= points:
        return np.arange(len(scores)), 0.0
    interval = np.searchsorted(np.linspace(scores[0], scores[-1], points), scores, side="right")
    first = np.flatnonzero(np.diff(interval, prepend=0))
    last = np.append(first[1:], len(scores)) - 1
    return first, float((scores[last] - scores[first]).max())
