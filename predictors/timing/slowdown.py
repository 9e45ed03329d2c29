"""How much slower a machine is in one session than in another, from networks timed in both.

The model: a factor, and a constant that is added to every inference. Each precision slows down differently, so each has
its own fit.
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
    """now = intercept + factor * then. `ratio`: the median ratio of the networks' own times."""

    factor: float = 1.0  # dimensionless
    intercept: float = 0.0  # seconds
    ratio: float = 1.0

    def now(self, then: Seconds) -> Seconds:
        return self.intercept + self.factor * then

    def then(self, now: Seconds) -> Seconds:
        return (now - self.intercept) / self.factor


def slowdown(then: Sequence[float] | np.ndarray, now: Sequence[float] | np.ndarray) -> Slowdown:
    """Fits seconds of the same networks [n] in two sessions.

    Uses medians of the ratios and, for a line, of the slopes between pairs (Theil 1950), which are robust to an
    outlier. The line is chosen only if its leave-one-out error is lower than that of the factor alone.
    """
    old, new = np.asarray(then, float), np.asarray(now, float)
    ratio = float(np.median(new / old))
    factor, line = Slowdown(ratio, 0.0, ratio), _line(old, new, ratio)
    if line is None or _left_out(old, new, line=True) >= _left_out(old, new, line=False) - 1e-12:
        return factor
    return line


def slowdowns(values: Mapping[str, Value], then: Mapping[str, Mapping[str, float]]) -> dict[str, Slowdown]:
    """Fits each precision. `then[precision][name]`: a file's seconds before; `values[name]`: its seconds now."""
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
    """The mean relative error of leave-one-out predictions."""
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
