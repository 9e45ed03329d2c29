"""From blocks to nets: measured = intercept + slope * sum of blocks, fitted on whole networks of the same session."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Correction:
    """`intercept` in seconds, `slope` without unit."""

    intercept: float
    slope: float

    def __call__(self, naive: np.ndarray) -> np.ndarray:
        return self.intercept + self.slope * naive


def fit(naive: np.ndarray, measured: np.ndarray) -> Correction:
    """Least squares of the relative error over networks: sums of blocks [n] and measured [n], seconds."""
    design = np.stack([1 / measured, naive / measured], axis=1)
    (intercept, slope), *_ = np.linalg.lstsq(design, np.ones(len(measured)), rcond=None)
    return Correction(float(intercept), float(slope))


def leave_one_out(naive: np.ndarray, measured: np.ndarray) -> np.ndarray:
    """Each network's prediction [n], seconds, by a correction fitted on the others."""
    others = [np.arange(len(naive)) != index for index in range(len(naive))]
    return np.array([fit(naive[rest], measured[rest])(value) for rest, value in zip(others, naive)])
