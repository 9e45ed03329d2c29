"""From blocks to networks: measured = intercept + slope * sum of blocks + layer * layers, fitted on whole networks.

The networks are timed in the same session as the blocks. The term per layer corrects what every block's timing gets
wrong: part of the fixed cost of a session call, or a cache that the block's context leaves in another state. With this
term, even the times of standalone blocks add up (`python -m experiments.protocols`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Numbers = np.ndarray | float


@dataclass(frozen=True)
class Correction:
    """`intercept` and `layer` are in seconds, `slope` is dimensionless."""

    intercept: float
    slope: float
    layer: float = 0.0  # for each layer that computes, so not for Skip

    def __call__(self, naive: np.ndarray, layers: Numbers = 0.0) -> np.ndarray:
        return self.intercept + self.slope * naive + self.layer * layers


Fit = Callable[[np.ndarray, np.ndarray, np.ndarray], Correction]


def fit(naive: np.ndarray, measured: np.ndarray, layers: Numbers = 0.0) -> Correction:
    """Least squares of the relative error over networks: sums of blocks [n] and measured [n], seconds; layers [n].

    Where the networks leave a term undetermined, such as the term per layer if all have the same depth, the
    minimum-norm solution is used.
    """
    design = np.stack([1 / measured, naive / measured, layers / measured], axis=1)
    (intercept, slope, layer), *_ = np.linalg.lstsq(design, 1 - naive / measured, rcond=None)
    return Correction(float(intercept), 1 + float(slope), float(layer))


def fit_slope(naive: np.ndarray, measured: np.ndarray, layers: Numbers = 0.0) -> Correction:
    """Fits only the slope, which noise cannot make negative: for networks that are too few or too similar."""
    ratio = naive / measured
    return Correction(0.0, float(ratio.sum() / (ratio @ ratio)))


def cross_validated(naive: np.ndarray, measured: np.ndarray, layers: np.ndarray) -> tuple[Correction, np.ndarray]:
    """The correction, and its leave-one-out predictions [n] in seconds.

    Fits only the slope if a leave-one-out prediction is not positive, or if the slope is not: then a network of faster
    blocks would be predicted to be slower.
    """
    predicted, found = leave_one_out(fit, naive, measured, layers), fit(naive, measured, layers)
    if predicted.min() > 0 and found.slope > 0:
        return found, predicted
    return fit_slope(naive, measured), leave_one_out(fit_slope, naive, measured, layers)


def leave_one_out(fit: Fit, naive: np.ndarray, measured: np.ndarray, layers: np.ndarray) -> np.ndarray:
    """Each network's prediction [n], seconds, by a correction fitted on the other networks."""
    others = [np.arange(len(naive)) != index for index in range(len(naive))]
    return np.array(
        [fit(naive[o], measured[o], layers[o])(naive[i], layers[i]) for i, o in enumerate(others)],
    )
