"""Costs of architectures that follow from costs of layers: a sum, as latency is, or the largest, as memory is.

A sum is linear in the choice: one array answers for picks and for probabilities alike.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from search_spaces.space import Arch


@dataclass(frozen=True)
class LayerCost(ABC):
    """`values[l, o]`: option o of layer l, in the cost's unit, not negative; NaN where layer l has fewer options."""

    values: np.ndarray

    def __call__(self, arch: Arch) -> float:
        """Of one architecture."""
        return float(self.of(np.asarray([arch]))[0])

    def of(self, archs: np.ndarray) -> np.ndarray:
        """[n] of architectures [n, layers]."""
        total = np.zeros(len(archs))
        for row, picks in zip(self.values, archs.T):
            total = self.joined(total, row[picks])
        return self.whole(total)

    @abstractmethod
    def joined(self, before: np.ndarray, layer: np.ndarray) -> np.ndarray:
        """Of the layers up to and with this one: arrays that broadcast, of those before it and of its options."""

    def whole(self, joined: np.ndarray) -> np.ndarray:
        """[n] of architectures, from all their layers joined [n]."""
        return joined

    @abstractmethod
    def expected(self, distributions: Sequence[Any]) -> Any:
        """Under one distribution a layer: torch tensors [options], differentiable."""

    @property
    def lowest(self) -> Arch:
        """An architecture that no other costs less than: exact, as more of a layer never costs less."""
        return tuple(int(pick) for pick in np.nanargmin(self.values, axis=1))

    @property
    def highest(self) -> Arch:
        """An architecture that no other costs more than."""
        return tuple(int(pick) for pick in np.nanargmax(self.values, axis=1))


@dataclass(frozen=True)
class AdditiveCost(LayerCost):
    """cost = intercept + slope * sum over layers of the picked option's value.

    Of a latency, `slope` (no unit, positive) and `intercept` (seconds) are the table's correction from blocks to whole
    networks, whose term a layer is within `values`.
    """

    intercept: float = 0.0
    slope: float = 1.0

    def joined(self, before: np.ndarray, layer: np.ndarray) -> np.ndarray:
        return before + layer

    def whole(self, joined: np.ndarray) -> np.ndarray:
        return self.intercept + self.slope * joined

    def expected(self, distributions: Sequence[Any]) -> Any:
        layers = zip(distributions, self.values)
        return self.intercept + self.slope * sum((p * p.new_tensor(t[: len(p)])).sum() for p, t in layers)


@dataclass(frozen=True)
class LargestCost(LayerCost):
    """cost = the largest of the picked options' values."""

    def joined(self, before: np.ndarray, layer: np.ndarray) -> np.ndarray:
        return np.maximum(before, layer)

    def expected(self, distributions: Sequence[Any]) -> Any:
        """The largest of the layers' expectations, which is no more than the expectation (Jensen 1906)."""
        return max(((p * p.new_tensor(t[: len(p)])).sum() for p, t in zip(distributions, self.values)), key=float)
