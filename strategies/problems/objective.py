"""What a search maximises: one score of accuracy and costs, and the differentiable loss that is its -log.

With exp(-cross entropy) for the accuracy, `loss(CE, costs) == -log(score(exp(-CE), costs))` wherever the costs are
feasible. Costs have names; latencies are in seconds, sizes in bytes, accuracies are fractions. No torch here: `loss`
only calls tensor methods.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    from torch import Tensor

Costs = Mapping[str, float]  # by name


class Objective(Protocol):
    """Higher scores are better, and the score of what is allowed is above that of all that is not."""

    front: ClassVar[bool]  # whether a front of networks is wanted, not one network

    def score(self, accuracy: float, costs: Costs) -> float: ...

    def loss(self, cross_entropy: Tensor, costs: Mapping[str, Tensor]) -> Tensor: ...

    def allows(self, costs: Mapping[str, Any]) -> Any:
        """Whether a search may evaluate what costs so much; for arrays of costs [n] an array [n], or one answer."""

    def burden(self, costs: Costs) -> float:
        """The largest cost, as a share of its target, limit or worst."""


@dataclass(frozen=True)
class MnasNet:
    """accuracy * (cost / target) ** weight for each cost: soft targets, all is allowed (Tan et al. 2019, eq. 2)."""

    targets: Costs
    weight: float = -0.07  # doubling the latency is worth 5 % more accuracy
    front: ClassVar[bool] = False

    def score(self, accuracy: float, costs: Costs) -> float:
        for name, target in self.targets.items():
            accuracy *= (costs[name] / target) ** self.weight
        return float(accuracy)

    def loss(self, cross_entropy: Tensor, costs: Mapping[str, Tensor]) -> Tensor:
        for name, target in self.targets.items():
            cross_entropy = cross_entropy - self.weight * (costs[name] / target).log()
        return cross_entropy

    def allows(self, costs: Mapping[str, Any]) -> Any:
        return True

    def burden(self, costs: Costs) -> float:
        return largest_share(costs, self.targets)


@dataclass(frozen=True)
class Bounded:
    """The accuracy, as long as every cost is within its limit; beyond, the worst violation alone counts (Deb 2000).

    Beyond a limit the loss adds MnasNet's hard factor (cost / limit) ** -penalty, so that a gradient leads back; a
    penalty of 1, as in MnasNet, loses to a cross entropy that falls faster than the cost's log rises.
    """

    limits: Costs
    penalty: float = 5.0
    front: ClassVar[bool] = False

    def score(self, accuracy: float, costs: Costs) -> float:
        return accuracy if self.allows(costs) else 1 - self.burden(costs)

    def loss(self, cross_entropy: Tensor, costs: Mapping[str, Tensor]) -> Tensor:
        for name, limit in self.limits.items():
            cross_entropy = cross_entropy + self.penalty * (costs[name] / limit).log().clamp_min(0)
        return cross_entropy

    def allows(self, costs: Mapping[str, Any]) -> Any:
        return reduce(and_, (costs[name] <= limit for name, limit in self.limits.items()))

    def burden(self, costs: Costs) -> float:
        return largest_share(costs, self.limits)


@dataclass(frozen=True)
class Pareto:
    """The volume that a point dominates alone, as a share of that of a perfect network that costs nothing.

    All is allowed. The score of what costs as much as `worst`, or more, is not positive. NSGA-II orders by dominance.
    """

    worst: Costs
    front: ClassVar[bool] = True
    edge: ClassVar[float] = 1e-3  # the margin below which the loss goes on as a straight line, since its log would end

    def score(self, accuracy: float, costs: Costs) -> float:
        margins = [1 - costs[name] / worst for name, worst in self.worst.items()]
        return accuracy * math.prod(margins) if min(margins) > 0 else min(margins)

    def loss(self, cross_entropy: Tensor, costs: Mapping[str, Tensor]) -> Tensor:
        for name, worst in self.worst.items():
            margin = 1 - costs[name] / worst
            cross_entropy = cross_entropy - margin.clamp_min(self.edge).log() + (1 - margin / self.edge).clamp_min(0)
        return cross_entropy

    def allows(self, costs: Mapping[str, Any]) -> Any:
        return True

    def burden(self, costs: Costs) -> float:
        return largest_share(costs, self.worst)


def largest_share(costs: Costs, of: Costs) -> float:
    return max(costs[name] / value for name, value in of.items())
