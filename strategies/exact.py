"""The exact Pareto front of a whole space, where accuracy rises with a sum over layers, as latency does. No torch here.

A partial architecture that another one dominates can be exchanged for it in every architecture that holds it. So the
front of the first l layers is what nothing dominates among (front of the first l - 1) x (options of layer l): Nemhauser
& Ullmann 1969, "Discrete dynamic programming and capital allocation", with two sums to compare instead of a sum and a
budget. Such fronts are short unless accuracy all but follows latency (Beier & Vöcking 2004). Where one grows too long
it is thinned, by a bounded loss that adds over layers (Warburton 1987, for shortest paths).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from predictors.additive import AdditiveLatency
from strategies.objective import Objective
from strategies.problem import Candidate

POINTS = 200_000  # that a front may have


@dataclass(frozen=True)
class Front:
    """What nothing in the space dominates, fastest first; one of equals.

    No architecture that is as fast as one of the front has a score above its score + `slack`. Nothing is lost where
    slack is 0: floating-point sums are exchanged as exact ones are, since rounding keeps order.
    """

    archs: np.ndarray  # [n, layers]
    scores: np.ndarray  # [n], rising
    seconds: np.ndarray  # [n], rising
    slack: float  # in the scores' unit; 0 unless thinned

    def candidates(self, objective: Objective, accuracy: Callable[[float], float] = float) -> list[Candidate]:
        """The front as a search's candidates; `accuracy` (fraction) is any function that rises with the score."""
        return [
            Candidate(tuple(arch), value := accuracy(score), t, objective.score(value, t), objective.feasible(t))
            for arch, score, t in zip(self.archs.tolist(), self.scores.tolist(), self.seconds.tolist())
        ]


def exact_front(scores: np.ndarray, latency: AdditiveLatency, points: int = POINTS) -> Front:
    """Of all architectures with the score sum over l of `scores[l, pick of l]`; NaN where a layer has fewer options.

    Partial fronts of more than `points` are thinned.
    """
    score, seconds, slack = np.zeros(1), np.zeros(1), 0.0
    steps = []
    for gains, costs in zip(scores, latency.seconds):
        options = np.flatnonzero(~np.isnan(costs))
        before = len(score)
        score = np.add.outer(gains[options], score).ravel()
        seconds = np.add.outer(costs[options], seconds).ravel()
        kept = nondominated(score, seconds)
        few, lost = thinned(score[kept], points)
        kept, slack = kept[few], slack + lost
        score, seconds = score[kept], seconds[kept]
        steps.append((options[kept // before], kept % before))
    seconds = latency.intercept + latency.slope * seconds
    kept = nondominated(score, seconds)  # the correction may round two latencies to one
    return Front(_archs(steps, kept), score[kept], seconds[kept], slack)


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


def _archs(steps: list[tuple[np.ndarray, np.ndarray]], at: np.ndarray) -> np.ndarray:
    """[n, layers]: the way back from points of the last front, through (pick, point of the front before)."""
    picks = []
    for picked, before in reversed(steps):
        picks.append(picked[at])
        at = before[at]
    return np.stack(picks[::-1], axis=1)
