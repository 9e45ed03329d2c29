"""The continuous relaxation of a space, which DARTS trains. Imports no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor


class Relaxation(Protocol):
    """Weights that are trained under one distribution [options] per layer."""

    def train(self, distribution: list[Tensor]) -> None:
        """Trains the weights for one step under this mixture."""

    def loss(self, distribution: list[Tensor]) -> Tensor:
        """Cross entropy on images that train no weights, differentiable in the distribution."""

    def costs(self, distribution: list[Tensor]) -> dict[str, Tensor]:
        """Expected costs by name: latency in seconds, sizes in bytes; differentiable in the distribution."""

    def accuracy(self, distribution: list[Tensor]) -> float:
        """The accuracy of this mixture, with the weights and images that evaluate architectures; fraction."""
