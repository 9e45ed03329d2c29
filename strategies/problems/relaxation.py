"""What DARTS trains: a space between its architectures. No torch here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor


class Relaxation(Protocol):
    """One distribution [options] per layer, and weights that learn at it."""

    def train(self, distribution: list[Tensor]) -> None:
        """One step of the weights at this mixture."""

    def loss(self, distribution: list[Tensor]) -> Tensor:
        """Cross entropy on images that no weights learn from, differentiable in the distribution."""

    def costs(self, distribution: list[Tensor]) -> dict[str, Tensor]:
        """Expected, by name: latency in seconds, sizes in bytes; differentiable in the distribution."""

    def accuracy(self, distribution: list[Tensor]) -> float:
        """Of this mixture of the weights that judge architectures, on the images that those are judged by, fraction."""
