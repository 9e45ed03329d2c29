"""From blocks to nets: measured = intercept + slope * sum of blocks + layer * layers, by networks of the same session.

The term a layer takes what every block's timing has too much or too little: a part of a session's entry, a cache that
its context left in another state. With it, even blocks that are timed alone add up (`python -m experiments.protocols`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Numbers = np.ndarray | float


@dataclass(frozen=True)
class Correction:
    """`intercept` and `layer` in seconds, `slope` without unit."""

    intercept: float
    slope: float
    layer: float = 0.0  # for each layer that computes

    def __call__(self, naive: np.ndarray, layers: Numbers = 0.0) -> np.ndarray:
        return self.intercept + self.slope * naive + self.layer * layers


Fit = Callable[[np.ndarray, np.ndarray, np.ndarray], Correction]


def fit(naive: np.ndarray, measured: np.ndarray, layers: Numbers = 0.0) -> Correction:
    """Least squares of the relative error over networks: sums of blocks [n] and measured [n], seconds; layers [n].

    What the networks leave open, such as the term a layer where all have as many, changes the sum as little as it can.
    """
    design = np.stack([1 / measured, naive / measured, layers / measured], axis=1)
    (intercept, slope, layer), *_ = np.linalg.lstsq(design, 1 - naive / measured, rcond=None)
    return Correction(float(intercept), 1 + float(slope), float(layer))


def fit_slope(naive: np.ndarray, measured: np.ndarray, layers: Numbers = 0.0) -> Correction:
    """The slope alone, which no noise makes negative: for networks too few or too far apart to tell the rest."""
    ratio = naive / measured
    return Correction(0.0, float(ratio.sum() / (ratio @ ratio)))


def cross_validated(naive: np.ndarray, measured: np.ndarray, layers: np.ndarray) -> tuple[Correction, np.ndarray]:
    """The correction, and what it predicts [n], seconds, for each network when fitted on the others.

    The slope alone where the others predict no time at all, or less, for one of the networks.
    """
    predicted = leave_one_out(fit, naive, measured, layers)
    if predicted.min() > 0:
        return fit(naive, measured, layers), predicted
    return fit_slope(naive, measured), leave_one_out(fit_slope, naive, measured, layers)


def leave_one_out(fit: Fit, naive: np.ndarray, measured: np.ndarray, layers: np.ndarray) -> np.ndarray:
    """Each network's prediction [n], seconds, by a correction fitted on the others."""
    others = [np.arange(len(naive)) != index for index in range(len(naive))]
    return np.array(
        [fit(naive[o], measured[o], layers[o])(naive[i], layers[i]) for i, o in enumerate(others)],
    )
