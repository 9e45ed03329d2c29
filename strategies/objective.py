"""What a search maximises: one score of accuracy and latency, and the differentiable loss that is its -log.

With exp(-cross entropy) for the accuracy, `loss(CE, latency) == -log(score(exp(-CE), latency))` wherever the latency
is feasible. Latencies are in seconds, accuracies are fractions. No torch here: `loss` only calls tensor methods.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor


class Objective(Protocol):
    """Higher scores are better, and a feasible score is above every infeasible one."""

    def score(self, accuracy: float, latency: float) -> float: ...

    def loss(self, cross_entropy: Tensor, latency: Tensor) -> Tensor: ...

    def feasible(self, latency: float) -> bool: ...


def allowed(objective: Objective, latency: float) -> bool:
    """Whether a search may evaluate what is so slow: `Bounded` alone forbids it, a front has no bound."""
    return isinstance(objective, Pareto) or objective.feasible(latency)


@dataclass(frozen=True)
class MnasNet:
    """accuracy * (latency / target) ** weight: a soft target, nothing is infeasible (Tan et al. 2019, eq. 2)."""

    target: float  # seconds
    weight: float = -0.07  # doubling the latency is worth 5 % more accuracy

    def score(self, accuracy: float, latency: float) -> float:
        return float(accuracy * (latency / self.target) ** self.weight)

    def loss(self, cross_entropy: Tensor, latency: Tensor) -> Tensor:
        return cross_entropy - self.weight * (latency / self.target).log()

    def feasible(self, latency: float) -> bool:
        return True


@dataclass(frozen=True)
class Bounded:
    """The accuracy, as long as latency <= limit; beyond it the violation alone counts (Deb 2000).

    Beyond the limit the loss adds MnasNet's hard factor (latency / limit) ** -penalty, so that a gradient leads back; a
    penalty of 1, as in MnasNet, loses to a cross entropy that falls faster than the latency's log rises.
    """

    limit: float  # seconds
    penalty: float = 5.0

    def score(self, accuracy: float, latency: float) -> float:
        return accuracy if self.feasible(latency) else 1 - latency / self.limit

    def loss(self, cross_entropy: Tensor, latency: Tensor) -> Tensor:
        return cross_entropy + self.penalty * (latency / self.limit).log().clamp_min(0)

    def feasible(self, latency: float) -> bool:
        return latency <= self.limit


@dataclass(frozen=True)
class Pareto:
    """The area that a point dominates alone, as a share of that of a perfect, instant network.

    NSGA-II orders by dominance instead and uses only `feasible`. Latencies of `worst` and beyond are infeasible.
    """

    worst: float  # seconds
    edge = 1e-3  # the margin below which the loss goes on as a straight line, since its log would end

    def score(self, accuracy: float, latency: float) -> float:
        margin = 1 - latency / self.worst
        return accuracy * margin if margin > 0 else margin

    def loss(self, cross_entropy: Tensor, latency: Tensor) -> Tensor:
        margin = 1 - latency / self.worst
        return cross_entropy - margin.clamp_min(self.edge).log() + (1 - margin / self.edge).clamp_min(0)

    def feasible(self, latency: float) -> bool:
        return latency < self.worst
