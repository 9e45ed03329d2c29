"""The exact Pareto front of a whole space in which accuracy increases with a sum over layers. Imports no torch.

A dominated partial architecture can be replaced by the dominating one in every architecture that contains it. So the
front of the first l layers is the non-dominated part of (front of the first l - 1) x (options of layer l): Nemhauser &
Ullmann 1969, "Discrete dynamic programming and capital allocation", comparing two sums instead of one sum under a
budget. Such fronts are short unless accuracy nearly follows from cost (Beier & Vöcking 2004). With one cost, a front
that grows too long is thinned, with a bounded loss that adds over layers (Warburton 1987, for shortest paths). Under
trunks, costs add within each, so the front is that of the union of all trunks' fronts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from predictors.models.layer_costs import LayerCost
from search_spaces.errors import LutraError
from search_spaces.stacks import Stack
from strategies.problems.objective import Objective
from strategies.problems.problem import Candidate
from strategies.quality.pareto import nondominated, thinned

POINTS = 200_000  # the largest number of points on a front


@dataclass(frozen=True)
class Front:
    """All non-dominated architectures, ordered by the first cost, then the next; equal ones appear once.

    No architecture that costs as little as one on the front has a score above its score + `slack`. With slack 0 nothing
    is lost: rounding preserves order, so floating-point sums compare like exact ones.
    """

    archs: np.ndarray  # [n, layers]
    scores: np.ndarray  # [n]
    costs: Mapping[str, np.ndarray]  # [n] by name, in the unit of each
    slack: float  # in the scores' unit; 0 unless thinned

    def candidates(self, objective: Objective, accuracy: Callable[[float], float] = float) -> list[Candidate]:
        """The front as candidates of a search; `accuracy` (fraction) is any increasing function of the score."""
        rows = np.column_stack([*self.costs.values()]).tolist()
        return [
            Candidate(tuple(arch), value := accuracy(score), costs, objective.score(value, costs), True)
            for arch, score, row in zip(self.archs.tolist(), self.scores.tolist(), rows)
            for costs in [dict(zip(self.costs, row))]
        ]


def exact_front(
    scores: np.ndarray, costs: Mapping[str, LayerCost], points: int = POINTS, stacks: Sequence[Stack] = ()
) -> Front:
    """The exact front; an architecture's score is the sum over l of `scores[l, option of l]`, NaN where none exists.

    An option has the same score under every trunk. Partial fronts with more than `points` points are thinned. In
    `stacks`, Skips come last, so each network appears once. Raises LutraError if the front of several costs has more
    points, because the loss would be unbounded.
    """
    (trunks,) = {cost.trunks for cost in costs.values()}
    if trunks == 1:
        return _front(scores, costs, points, stacks)
    fronts = [
        _front(_under(scores, trunk), {name: cost.within(trunk) for name, cost in costs.items()}, points, stacks)
        for trunk in range(trunks)
    ]
    for trunk, front in enumerate(fronts):
        front.archs[:, 0] = trunk
    archs, score = (np.concatenate(parts) for parts in zip(*((front.archs, front.scores) for front in fronts)))
    whole = np.column_stack([np.concatenate([front.costs[name] for front in fronts]) for name in costs])
    kept = nondominated(score, whole)
    return Front(archs[kept], score[kept], dict(zip(costs, whole[kept].T)), max(front.slack for front in fronts))


def _under(scores: np.ndarray, trunk: int) -> np.ndarray:
    """The scores with the trunk's as the only one of the first layer."""
    first = np.full_like(scores[:1], np.nan)
    first[0, 0] = scores[0, trunk]
    return np.concatenate([first, scores[1:]])


def _front(scores: np.ndarray, costs: Mapping[str, LayerCost], points: int, stacks: Sequence[Stack]) -> Front:
    """The front of one trunk."""
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
    kept = nondominated(score, whole)  # the correction may round two latencies to the same number
    return Front(_archs(steps, kept), score[kept], dict(zip(costs, whole[kept].T)), slack)


def _joined(costs: Mapping[str, LayerCost], before: np.ndarray, options: np.ndarray) -> np.ndarray:
    """[options * before, costs]: every option [options, costs] after every partial architecture [before, costs]."""
    pairs = zip(costs.values(), before.T, options.T)
    return np.column_stack([cost.joined(first, then[:, None]).ravel() for cost, first, then in pairs])


def _best(scores: np.ndarray, costs: np.ndarray, skipped: np.ndarray, points: int) -> tuple[np.ndarray, float]:
    """Two thinned fronts as indices, of architectures that skipped the last layer of a stack and the rest; the loss.

    The former may continue in fewer ways than the latter, so neither replaces the other.
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
    """[n, layers]: traces points of the last front back through (option, point of the previous front)."""
    picks = []
    for picked, before in reversed(steps):
        picks.append(picked[at])
        at = before[at]
    return np.stack(picks[::-1], axis=1)
