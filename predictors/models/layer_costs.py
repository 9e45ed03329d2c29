"""Costs of architectures derived from costs of layers: their sum (latency) or their maximum (memory).

A sum is linear in the choices, so one array serves both choices and probabilities. Under trunks it is linear in the
pairs of trunk and choice (`search_spaces.trunks`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self

import numpy as np

from search_spaces import trunks
from search_spaces.space import Arch


@dataclass(frozen=True)
class LayerCost(ABC):
    """`values[l, o]`: the cost of option o of layer l, not negative; NaN where layer l has fewer options.

    Options are listed trunk by trunk, as in the space.
    """

    values: np.ndarray
    trunks: int = field(default=1, kw_only=True)

    def __call__(self, arch: Arch) -> float:
        """The cost of one architecture."""
        return float(self.of(np.asarray([arch]))[0])

    def of(self, archs: np.ndarray) -> np.ndarray:
        """The costs [n] of architectures [n, layers]."""
        total = np.zeros(len(archs))
        for row, picks in zip(self.values, trunks.places(archs, self.lengths, self.trunks).T):
            total = self.joined(total, row[picks])
        return self.whole(total)

    @cached_property
    def lengths(self) -> tuple[int, ...]:
        """The number of options of each layer, of all trunks."""
        return tuple((~np.isnan(self.values)).sum(1).tolist())

    def within(self, trunk: int) -> Self:
        """The same cost of one trunk's options, of which the first layer has one."""
        parts = trunks.within(self.lengths, self.trunks, trunk)
        values = np.full((len(parts), max(part.stop - part.start for part in parts)), np.nan)
        for row, own, part in zip(values, self.values, parts):
            row[: part.stop - part.start] = own[part]
        return replace(self, values=values, trunks=1)

    def of_places(self, distributions: Sequence[Any]) -> Sequence[Any]:
        """The joint distribution of trunk and choice for each layer, from one distribution (torch tensor) per layer."""
        if self.trunks == 1:
            return distributions
        first, *later = distributions
        return [first, *((first[:, None] * own).flatten() for own in later)]

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
        return min(self._corners(np.nanargmin), key=self)

    @property
    def lowest_by_trunk(self) -> list[Arch]:
        """A cheapest architecture under each trunk."""
        return [*self._corners(np.nanargmin)]

    @property
    def highest(self) -> Arch:
        """A most expensive architecture."""
        return max(self._corners(np.nanargmax), key=self)

    def _corners(self, best: Callable[..., np.ndarray]) -> Iterator[Arch]:
        """The best option of each layer, under each trunk."""
        for trunk in range(self.trunks):
            picks = best(self.within(trunk).values, axis=1).tolist()
            yield (trunk if self.trunks > 1 else picks[0], *picks[1:])


@dataclass(frozen=True)
class AdditiveCost(LayerCost):
    """cost = intercept + slope * sum over layers of the chosen option's value.

    For latency, `slope` (positive, dimensionless) and `intercept` (seconds) are the table's correction from blocks to
    whole networks; the correction's term per layer is part of `values`.
    """

    intercept: float = 0.0
    slope: float = 1.0

    def joined(self, before: np.ndarray, layer: np.ndarray) -> np.ndarray:
        return before + layer

    def whole(self, joined: np.ndarray) -> np.ndarray:
        return self.intercept + self.slope * joined

    def expected(self, distributions: Sequence[Any]) -> Any:
        layers = zip(self.of_places(distributions), self.values)
        return self.intercept + self.slope * sum((p * p.new_tensor(t[: len(p)])).sum() for p, t in layers)


@dataclass(frozen=True)
class LargestCost(LayerCost):
    """cost = maximum over layers of the chosen option's value."""

    def joined(self, before: np.ndarray, layer: np.ndarray) -> np.ndarray:
        return np.maximum(before, layer)

    def expected(self, distributions: Sequence[Any]) -> Any:
        """The maximum of the layers' expectations: a lower bound on the expected maximum (Jensen 1906)."""
        layers = zip(self.of_places(distributions), self.values)
        return max(((p * p.new_tensor(t[: len(p)])).sum() for p, t in layers), key=float)
