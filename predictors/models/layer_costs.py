"""Costs of architectures derived from costs of layers: their sum (latency) or their maximum (memory).

A sum is linear in the choices, so one array serves both choices and probabilities.
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
    """`values[l, o]`: the cost of option o of layer l, not negative; NaN where layer l has fewer options."""

    values: np.ndarray

    def __call__(self, arch: Arch) -> float:
        """The cost of one architecture."""
        return float(self.of(np.asarray([arch]))[0])

    def of(self, archs: np.ndarray) -> np.ndarray:
        """The costs [n] of architectures [n, layers]."""
        total = np.zeros(len(archs))
        for row, picks in zip(self.values, archs.T):
            total = self.joined(total, row[picks])
        return self.whole(total)

    @abstractmethod
    def joined(self, before: np.ndarray, layer: np.ndarray) -> np.ndarray:
        """The cost after one more layer, given the cost `before` it and the layer's own; the arrays broadcast."""

    def whole(self, joined: np.ndarray) -> np.ndarray:
        """Converts the joined costs of all layers [n] to the costs of architectures [n]."""
        return joined

    @abstractmethod
    def expected(self, distributions: Sequence[Any]) -> Any:
        """The expected cost, differentiable, given one distribution (torch tensor [options]) per layer."""

    @property
    def lowest(self) -> Arch:
        """A cheapest architecture: exact, because the cost never falls when a layer's cost rises."""
        return tuple(int(pick) for pick in np.nanargmin(self.values, axis=1))

    @property
    def highest(self) -> Arch:
        """A most expensive architecture."""
        return tuple(int(pick) for pick in np.nanargmax(self.values, axis=1))


@dataclass(frozen=True)
class AdditiveCost(LayerCost):
    """cost = intercept + slope * sum over layers of the chosen option's value.

    For latency, `slope` (positive, no unit) and `intercept` (seconds) are the table's correction from blocks to whole
    networks; the correction's term per layer is part of `values`.
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
    """cost = maximum over layers of the chosen option's value."""

    def joined(self, before: np.ndarray, layer: np.ndarray) -> np.ndarray:
        return np.maximum(before, layer)

    def expected(self, distributions: Sequence[Any]) -> Any:
        """The maximum of the layers' expectations: a lower bound on the expected maximum (Jensen 1906)."""
        return max(((p * p.new_tensor(t[: len(p)])).sum() for p, t in zip(distributions, self.values)), key=float)
