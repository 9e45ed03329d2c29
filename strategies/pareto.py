"""Fronts as arrays, of scores that are to be high and seconds that are to be low: what nothing dominates, or a part."""

from __future__ import annotations

import numpy as np


def nondominated(scores: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """Indices of the points [n] that no other beats in both, fastest first; one of equals."""
    order = np.argsort(seconds, kind="stable")  # merges the runs that are sorted already
    rising = scores[order]
    order = order[np.append(True, rising[1:] > np.maximum.accumulate(rising)[:-1])]
    times = seconds[order]
    return order[np.append(times[1:] > times[:-1], True)]  # of those as fast, the last is the best


def thinned(scores: np.ndarray, points: int) -> tuple[np.ndarray, float]:
    """At most `points` indices into a front's scores [n], its ends among them, and the score that is lost at most.

    Of the points in each of `points` - 1 equal intervals of the score the fastest stays, and the last point of all: no
    slower than those that it stands for, and worse by less than the interval.
    """
    if len(scores) <= points:
        return np.arange(len(scores)), 0.0
    interval = np.searchsorted(np.linspace(scores[0], scores[-1], points), scores, side="right")
    first = np.flatnonzero(np.diff(interval, prepend=0))
    last = np.append(first[1:], len(scores)) - 1
    return first, float((scores[last] - scores[first]).max())
