"""How much slower a machine is in one session than in another, by networks that were timed in both.

One model for all who compare two sessions: a factor, and seconds that every inference takes longer. Precisions do not
slow down alike, nor do large networks and small ones, so it is fitted for each precision alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from predictors.timing.values import Value

Seconds = TypeVar("Seconds", float, np.ndarray)


@dataclass(frozen=True)
class Slowdown:
    """now = intercept + factor * then. `ratio`: how much longer the networks themselves take, in the median."""

    factor: float = 1.0  # no unit
    intercept: float = 0.0  # seconds
    ratio: float = 1.0

    def now(self, then: Seconds) -> Seconds:
        return self.intercept + self.factor * then

    def then(self, now: Seconds) -> Seconds:
        return (now - self.intercept) / self.factor


def slowdown(then: Sequence[float] | np.ndarray, now: Sequence[float] | np.ndarray) -> Slowdown:
    """From seconds of the same networks [n] in two sessions.

    The medians of the ratios and, for a line, of the slopes between pairs (Theil 1950), which one odd network does not
    move. The line is taken where it tells a network that it was not fitted on better than the factor alone.
    """
    old, new = np.asarray(then, float), np.asarray(now, float)
    ratio = float(np.median(new / old))
    factor, line = Slowdown(ratio, 0.0, ratio), _line(old, new, ratio)
    if line is None or _left_out(old, new, line=True) >= _left_out(old, new, line=False) - 1e-12:
        return factor
    return line


def slowdowns(values: Mapping[str, Value], then: Mapping[str, Mapping[str, float]]) -> dict[str, Slowdown]:
    """For each precision. `then[precision][name]`: what a file took before; `values[name]`: what it takes now."""
    return {
        precision: slowdown([*known.values()], [values[name].seconds for name in known])
        for precision, known in then.items()
    }


def _line(old: np.ndarray, new: np.ndarray, ratio: float) -> Slowdown | None:
    a, b = np.triu_indices(len(old), 1)
    differ = old[a] != old[b]
    if not differ.any():
        return None
    factor = float(np.median((new[a] - new[b])[differ] / (old[a] - old[b])[differ]))
    if factor <= 0:
        return None
    return Slowdown(factor, float(np.median(new - factor * old)), ratio)


def _left_out(old: np.ndarray, new: np.ndarray, line: bool) -> float:
    """The mean relative error for each network, when fitted on the others."""
    errors = []
    for index in range(len(old)):
        others = np.arange(len(old)) != index
        if others.sum() < (2 if line else 1):
            return np.inf
        ratio = float(np.median(new[others] / old[others]))
        fitted = _line(old[others], new[others], ratio) if line else Slowdown(ratio)
        if fitted is None:
            return np.inf
        errors.append(abs(float(fitted.now(old[index])) / new[index] - 1))
    return float(np.mean(errors))
