"""A cost that adds over layers is linear in the choice: one array answers for picks and for probabilities alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from search_spaces.space import Arch


@dataclass(frozen=True)
class AdditiveLatency:
    """latency = intercept + slope * sum over layers of the picked option's seconds.

    `seconds[l, o]`: layer l, option o; NaN where layer l has fewer options. `slope` (no unit) and `intercept`
    (seconds) are the table's correction from blocks to whole networks, whose term a layer is within `seconds`.
    """

    seconds: np.ndarray
    intercept: float = 0.0
    slope: float = 1.0

    def __call__(self, arch: Arch) -> float:
        """Seconds of one architecture."""
        return float(self.of(np.asarray([arch]))[0])

    def of(self, archs: np.ndarray) -> np.ndarray:
        """Seconds [n] of architectures [n, layers]."""
        total = np.zeros(len(archs))
        for row, picks in zip(self.seconds, archs.T):
            total += row[picks]
        return self.intercept + self.slope * total

    def expected(self, distributions: Sequence[Any]) -> Any:
        """Expected seconds under one distribution a layer: torch tensors [options], differentiable."""
        layers = zip(distributions, self.seconds)
        return self.intercept + self.slope * sum((p * p.new_tensor(t[: len(p)])).sum() for p, t in layers)

    @property
    def fastest(self) -> Arch:
        """The fastest architecture there is: exact, as layers add (and the slope is positive)."""
        return tuple(int(pick) for pick in np.nanargmin(self.seconds, axis=1))

    @property
    def slowest(self) -> Arch:
        """The slowest architecture there is."""
        return tuple(int(pick) for pick in np.nanargmax(self.seconds, axis=1))
