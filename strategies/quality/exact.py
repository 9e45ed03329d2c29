"""The exact Pareto front of a whole space, where accuracy rises with a sum over layers. No torch here.

A partial architecture that another one dominates can be exchanged for it in every architecture that holds it. So the
front of the first l layers is what nothing dominates among (front of the first l - 1) x (options of layer l): Nemhauser
& Ullmann 1969, "Discrete dynamic programming and capital allocation", with sums to compare instead of a sum and a
budget. Such fronts are short unless accuracy all but follows the cost (Beier & Vöcking 2004). Where one of one cost
grows too long it is thinned, by a bounded loss that adds over layers (Warburton 1987, for shortest paths).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from predictors.models.layer_costs import LayerCost
from search_spaces.errors import LutraError
from search_spaces.space import Stack
from strategies.problems.objective import Objective
from strategies.problems.problem import Candidate
from strategies.quality.pareto import nondominated, thinned

POINTS = 200_000  # that a front may have


@dataclass(frozen=True)
class Front:
    """What nothing in the space dominates, in the order of the first cost, then of the next; one of equals.

    No architecture that costs as little as one of the front has a score above its score + `slack`. Nothing is lost
    where slack is 0: floating-point sums are exchanged as exact ones are, since rounding keeps order.
    """

    archs: np.ndarray  # [n, layers]
    scores: np.ndarray  # [n]
    costs: Mapping[str, np.ndarray]  # [n] by name, in the unit of each
    slack: float  # in the scores' unit; 0 unless thinned

    def candidates(self, objective: Objective, accuracy: Callable[[float], float] = float) -> list[Candidate]:
        """The front as a search's candidates; `accuracy` (fraction) is any function that rises with the score."""
        rows = np.column_stack([*self.costs.values()]).tolist()
        return [
            Candidate(tuple(arch), value := accuracy(score), costs, objective.score(value, costs), True)
            for arch, score, row in zip(self.archs.tolist(), self.scores.tolist(), rows)
            for costs in [dict(zip(self.costs, row))]
        ]


def exact_front(
    scores: np.ndarray, costs: Mapping[str, LayerCost], points: int = POINTS, stacks: Sequence[Stack] = ()
) -> Front:
    """Of all architectures with the score sum over l of `scores[l, pick of l]`; NaN where a layer has fewer options.

    Partial fronts of more than `points` are thinned. In `stacks` Skips come last: each network is there once. Raises
    LutraError for several costs whose front has more points, as no loss would be bounded.
    """
    later = {layer: stack.skip for stack in stacks for layer in range(len(scores))[stack.layers][1:]}
    score, spent, slack, skipped = np.zeros(1), np.zeros((1, len(costs))), 0.0, np.zeros(1, bool)
    steps = []
    for layer, gains in enumerate(scores):
        prices = np.column_stack([cost.values[layer] for cost in costs.values()])
        options, before = np.flatnonzero(~np.isnan(prices[:, 0])), len(score)
        canonical = ~skipped | (options == later.get(layer))[:, None]
        born = np.flatnonzero(canonical)
        score = np.add.outer(gains[options], score).ravel()[born]
        spent = _joined(costs, spent, prices[options])[born]
        skipped = np.repeat(options == later.get(layer + 1), before)[born]
        kept, lost = _best(score, spent, skipped, points)
        score, spent, skipped, slack = score[kept], spent[kept], skipped[kept], slack + lost
        steps.append((options[born[kept] // before], born[kept] % before))
    whole = np.column_stack([cost.whole(column) for cost, column in zip(costs.values(), spent.T)])
    kept = nondominated(score, whole)  # the correction may round two latencies to one
    return Front(_archs(steps, kept), score[kept], dict(zip(costs, whole[kept].T)), slack)


def _joined(costs: Mapping[str, LayerCost], before: np.ndarray, options: np.ndarray) -> np.ndarray:
    """[options * before, costs]: every option, [options, costs], after every partial architecture [before, costs]."""
    pairs = zip(costs.values(), before.T, options.T)
    return np.column_stack([cost.joined(first, then[:, None]).ravel() for cost, first, then in pairs])


def _best(scores: np.ndarray, costs: np.ndarray, skipped: np.ndarray, points: int) -> tuple[np.ndarray, float]:
    """Indices of the fronts, thinned, of those that skipped the last layer of a stack and of the others; what it lost.

    The former may not go on as the latter may, so neither is exchanged for the other.
    """
    kept, losses = [], []
    for alike in np.unique(skipped):
        members = np.flatnonzero(skipped == alike)
        front = members[nondominated(scores[members], costs[members])]
        if len(front) > points and costs.shape[1] > 1:
            raise LutraError(f"the front of {costs.shape[1]} costs has more than {points:,} points: raise exact.points")
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
