"""Latency predictors learned from whole networks, to compare with the table of blocks.

A `Learner` gets architectures [n, layers], their seconds [n] and the number of options of each layer, and returns a
function from architectures to seconds. All learn from the same one-hot choices; none knows a layer's shape or MACs.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.optimize import nnls
from sklearn.ensemble import GradientBoostingRegressor, RandomForestRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from sklearn.linear_model import RidgeCV

from predictors.models.additive_process import additive_process
from predictors.models.tied_additive import tied_additive

Predict = Callable[[np.ndarray], np.ndarray]
Learner = Callable[[np.ndarray, np.ndarray, Sequence[int]], Predict]
PENALTIES = np.logspace(-4, 4, 25)  # candidates for ridge regression, chosen by leave-one-out cross-validation
ENOUGH = 150  # networks used to fit the Gaussian process's kernel; it is then conditioned on all of them


def one_hot(archs: np.ndarray, options: Sequence[int]) -> np.ndarray:
    """[n, sum of options]: 1 where a layer chooses an option."""
    return np.concatenate([np.eye(count)[archs[:, layer]] for layer, count in enumerate(options)], axis=1)


def ridge(archs: np.ndarray, seconds: np.ndarray, options: Sequence[int]) -> Predict:
    """Linear regression with a squared penalty (Hoerl & Kennard 1970)."""
    return _regression(RidgeCV(PENALTIES), archs, seconds, options)


def boosting(archs: np.ndarray, seconds: np.ndarray, options: Sequence[int]) -> Predict:
    """Gradient boosting (Friedman 2001), 200 trees of depth 3."""
    return _regression(GradientBoostingRegressor(n_estimators=200, random_state=0), archs, seconds, options)


def forest(archs: np.ndarray, seconds: np.ndarray, options: Sequence[int]) -> Predict:
    """Random forest (Breiman 2001), 100 trees."""
    return _regression(RandomForestRegressor(100, random_state=0), archs, seconds, options)


def gaussian_process(archs: np.ndarray, seconds: np.ndarray, options: Sequence[int]) -> Predict:
    """Gaussian process (Rasmussen & Williams 2006) on the number of differing layers, fitted by marginal likelihood."""
    kernel = ConstantKernel() * RBF(len(options) ** 0.5) + WhiteKernel()
    few = GaussianProcessRegressor(kernel, normalize_y=True, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # hyperparameters at their bounds are acceptable
        few.fit(one_hot(archs[:ENOUGH], options), seconds[:ENOUGH])
    return _regression(GaussianProcessRegressor(few.kernel_, optimizer=None, normalize_y=True), archs, seconds, options)


def additive(archs: np.ndarray, seconds: np.ndarray, options: Sequence[int]) -> Predict:
    """Non-negative seconds for each layer option (Lawson & Hanson 1974), minimising the relative error."""

    def design(archs: np.ndarray) -> np.ndarray:
        return np.insert(one_hot(archs, options), 0, 1.0, axis=1)

    columns = design(archs) / seconds[:, None]
    costs, _ = nnls(columns, np.ones(len(seconds)), maxiter=30 * columns.shape[1])
    return lambda others: design(others) @ costs


def _regression(model: Any, archs: np.ndarray, seconds: np.ndarray, options: Sequence[int]) -> Predict:
    """Fits seconds divided by their mean, so that no penalty or tolerance depends on their scale."""
    unit = seconds.mean()
    model.fit(one_hot(archs, options), seconds / unit)
    return lambda others: unit * model.predict(one_hot(others, options))


LEARNERS: dict[str, Learner] = {
    "ridge": ridge,
    "boosting": boosting,
    "forest": forest,
    "gaussian_process": gaussian_process,
    "additive": additive,
    "tied_additive": tied_additive,
    "additive_process": additive_process,
}
