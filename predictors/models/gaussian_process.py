"""A Gaussian process that learns which features matter: automatic relevance determination (Neal 1996).

Rasmussen & Williams 2006: kernel as in eq. 5.1, prediction by algorithm 2.1, gradient as in eq. 5.9. A prior constrains
the hyperparameters while targets are few, so they maximise the posterior rather than the likelihood.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import LinAlgError, cho_solve, cholesky, solve_triangular
from scipy.optimize import minimize

NOISE = 0.1  # the prior's median noise variance, as a fraction of the targets' variance
JITTER = 1e-6
STEPS = 8  # of L-BFGS, starting where the last fit ended


@dataclass(frozen=True)
class Process:
    """The kernel is signal * exp(-sum over features of relevance * difference ** 2)."""

    logs: np.ndarray  # [features + 2]: logarithms of each relevance, and of the variances of noise and signal
    features: np.ndarray  # [n, features], each times the square root of its relevance
    factor: np.ndarray  # [n, n], lower Cholesky factor of the targets' covariance
    weights: np.ndarray  # [n], the inverse covariance times the targets
    mean: float  # of the targets
    deviation: float  # of the targets

    @property
    def noise(self) -> float:
        """The standard deviation of the targets' noise."""
        return self.deviation * float(np.exp(self.logs[-2] / 2))

    def predict(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Means [m] and standard deviations [m], without noise, at features [m, features]."""
        signal = np.exp(self.logs[-1])
        cross = signal * np.exp(-distances(features * np.exp(self.logs[:-2] / 2), self.features))
        explained = solve_triangular(self.factor, cross.T, lower=True, check_finite=False)
        variance = np.maximum(signal - (explained**2).sum(0), JITTER * signal)
        return self.mean + self.deviation * (cross @ self.weights), self.deviation * np.sqrt(variance)


def fitted(
    features: np.ndarray, targets: np.ndarray, layers: int, before: Process | None = None, steps: int = STEPS
) -> Process:
    """Fits features [n, features] and targets [n]; starts from `before`, a process fitted on fewer.

    At the prior's centre, architectures that differ in all `layers` (one-hot) have a correlation of 1 / e.
    """
    mean, deviation = float(targets.mean()), float(targets.std()) or 1.0
    scaled = (targets - mean) / deviation
    centre = np.append(np.full(features.shape[1], -np.log(2 * layers)), [np.log(NOISE), 0.0])

    def loss(logs: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = evidence(logs, features, scaled)
        return value + 0.5 * float(((logs - centre) ** 2).sum()), gradient + logs - centre

    start = centre if before is None else before.logs
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": steps})
    weighted = features * np.exp(found.x[:-2] / 2)
    factor = cholesky(covariance(weighted, found.x)[1], lower=True)
    return Process(found.x, weighted, factor, cho_solve((factor, True), scaled), mean, deviation)


def evidence(logs: np.ndarray, features: np.ndarray, targets: np.ndarray) -> tuple[float, np.ndarray]:
    """-log p(targets | features, logs) without its constant, and its gradient [features + 2]."""
    kernel, total = covariance(features * np.exp(logs[:-2] / 2), logs)
    try:
        factor = cholesky(total, lower=True)
    except LinAlgError:  # the step was too long
        return 1e9, np.zeros_like(logs)
    weights, inverse = cho_solve((factor, True), targets), cho_solve((factor, True), np.eye(len(targets)))
    slope = 0.5 * (inverse - np.outer(weights, weights))
    pairs = -slope * kernel  # times (x - x') ** 2 = x ** 2 + x' ** 2 - 2 x x', summed over all pairs
    sums = 2 * (pairs.sum(1) @ features**2 - np.einsum("nf,nf->f", features, pairs @ features))
    ends = [np.exp(logs[-2]) * np.trace(slope), (slope * kernel).sum()]
    value = 0.5 * float(targets @ weights) + float(np.log(factor.diagonal()).sum())
    return value, np.append(np.exp(logs[:-2]) * sums, ends)


def covariance(weighted: np.ndarray, logs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """[n, n]: the covariance of the function's values, and that of the targets, which have noise."""
    kernel = np.exp(logs[-1] - distances(weighted, weighted))
    return kernel, kernel + (np.exp(logs[-2]) + JITTER) * np.eye(len(kernel))


def distances(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Squared distances between rows [n, m]."""
    squares = (some**2).sum(1)[:, None] + (others**2).sum(1)
    return np.maximum(squares - 2 * some @ others.T, 0)
