"""The exact Pareto front of a whole space, where accuracy rises with a sum over layers, as latency does. No torch here.

A partial architecture that another one dominates can be exchanged for it in every architecture that holds it. So the
front of the first l layers is what nothing dominates among (front of the first l - 1) x (options of layer l): Nemhauser
& Ullmann 1969, "Discrete dynamic programming and capital allocation", with two sums to compare instead of a sum and a
budget. Such fronts are short unless accuracy all but follows latency (Beier & Vöcking 2004). Where one grows too long
it is thinned, by a bounded loss that adds over layers (Warburton 1987, for shortest paths).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from predictors.additive import AdditiveLatency
from search_spaces.space import Stack
from strategies.objective import Objective
from strategies.pareto import nondominated, thinned
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


def exact_front(
    scores: np.ndarray, latency: AdditiveLatency, points: int = POINTS, stacks: Sequence[Stack] = ()
) -> Front:
    """Of all architectures with the score sum over l of `scores[l, pick of l]`; NaN where a layer has fewer options.

    Partial fronts of more than `points` are thinned. In `stacks` Skips come last: each network is there once.
    """
    later = {layer: stack.skip for stack in stacks for layer in range(len(scores))[stack.layers][1:]}
    score, seconds, slack, skipped = np.zeros(1), np.zeros(1), 0.0, np.zeros(1, bool)
    steps = []
    for layer, (gains, costs) in enumerate(zip(scores, latency.seconds)):
        options, before = np.flatnonzero(~np.isnan(costs)), len(score)
        canonical = ~skipped | (options == later.get(layer))[:, None]
        born = np.flatnonzero(canonical)
        score = np.add.outer(gains[options], score).ravel()[born]
        seconds = np.add.outer(costs[options], seconds).ravel()[born]
        skipped = np.repeat(options == later.get(layer + 1), before)[born]
        kept, lost = _best(score, seconds, skipped, points)
        score, seconds, skipped, slack = score[kept], seconds[kept], skipped[kept], slack + lost
        steps.append((options[born[kept] // before], born[kept] % before))
    seconds = latency.intercept + latency.slope * seconds
    kept = nondominated(score, seconds)  # the correction may round two latencies to one
    return Front(_archs(steps, kept), score[kept], seconds[kept], slack)


def _best(scores: np.ndarray, seconds: np.ndarray, skipped: np.ndarray, points: int) -> tuple[np.ndarray, float]:
    """Indices of the fronts, thinned, of those that skipped the last layer of a stack and of the others; what it lost.

    The former may not go on as the latter may, so neither is exchanged for the other.
    """
    kept, losses = [], []
    for alike in np.unique(skipped):
        members = np.flatnonzero(skipped == alike)
        front = members[nondominated(scores[members], seconds[members])]
        few, lost = thinned(scores[front], points)
        kept.append(front[few])
        losses.append(lost)
    return np.concatenate(kept), max(losses)


def _archs(steps: list[tuple[np.ndarray, np.ndarray]], at: np.ndarray) -> np.ndarray:
    """[n, layers]: the way back from points of the last front, through (pick, point of the front before)."""
    picks = []
    for picked, before in reversed(steps):
        picks.append(picked[at])
        at = before[at]
    return np.stack(picks[::-1], axis=1)
