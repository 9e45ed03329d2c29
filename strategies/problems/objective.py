"""The objectives of a search: a score of accuracy and costs, and a differentiable loss that equals -log(score).

With exp(-cross entropy) as the accuracy, `loss(CE, costs) == -log(score(exp(-CE), costs))` for feasible costs. Costs
have names; latencies are in seconds, sizes in bytes, accuracies are fractions. Imports no torch: `loss` only calls
tensor methods.
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
    """Higher scores are better; every allowed candidate scores higher than every candidate that is not allowed."""

    front: ClassVar[bool]  # whether a front of networks is wanted rather than one network

    def score(self, accuracy: float, costs: Costs) -> float:
        """Of an accuracy (fraction) and costs (latency in seconds, others in bytes)."""

    def loss(self, cross_entropy: Tensor, costs: Mapping[str, Tensor]) -> Tensor:
        """A scalar for DARTS to minimise, of the cross entropy (nats) and of costs that have gradients."""

    def allows(self, costs: Mapping[str, Any]) -> Any:
        """Whether a search may evaluate a network with these costs; arrays [n] give an array [n] or one answer."""

    def burden(self, costs: Costs) -> float:
        """The largest cost, relative to its target, limit or worst value."""


@dataclass(frozen=True)
class MnasNet:
    """accuracy * (cost / target) ** weight for each cost: soft targets, nothing ruled out (Tan et al. 2019, eq. 2)."""

    targets: Costs
    weight: float = -0.07  # doubling the latency is worth 5 % in accuracy
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
    """The accuracy if every cost is within its limit; otherwise only the largest violation counts (Deb 2000).

    Beyond a limit the loss adds MnasNet's hard factor (cost / limit) ** -penalty, so that gradients lead back. A
    penalty of 1, as in MnasNet, is too small if the cross entropy falls faster than the cost's logarithm rises.
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
    """The volume that a point on its own dominates, as a fraction of that of a perfect network of zero cost.

    Nothing is ruled out. The score is not positive for costs of `worst` or more. NSGA-II orders by dominance instead.
    """

    worst: Costs
    front: ClassVar[bool] = True
    edge: ClassVar[float] = 1e-3  # margin below which the loss continues linearly, because its log is undefined at 0

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
