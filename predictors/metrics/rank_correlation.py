"""Rank correlations between two quantities of the same networks, with confidence intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LEVEL = 0.95


@dataclass(frozen=True)
class RankCorrelation:
    """Kendall's tau-b and Spearman's rho, each with its 95 % bootstrap interval (Efron 1979)."""

    tau: float
    tau_low: float
    tau_high: float
    rho: float
    rho_low: float
    rho_high: float


def rank_correlation(predicted: np.ndarray, truth: np.ndarray, resamples: int, seed: int) -> RankCorrelation:
    """Correlates two values [n] of each network; 0 if one is constant. Intervals are bootstrap percentiles."""
    both = _weighted(_drawn(len(truth), resamples, seed), predicted, truth)
    (tau, low, high), (rho, lowest, highest) = map(_with_interval, both.T)
    return RankCorrelation(tau, low, high, rho, lowest, highest)


def tau_difference(
    predicted: np.ndarray, other: np.ndarray, truth: np.ndarray, resamples: int, seed: int
) -> tuple[float, float, float]:
    """How much higher the tau of `predicted` is than that of `other`, with its 95 % interval; all are [n].

    Both predict the same networks, so every resample has the same networks for both (a paired bootstrap): the intervals
    of two predictors may overlap although one is certainly better.
    """
    times = _drawn(len(truth), resamples, seed)
    return _with_interval(_weighted(times, predicted, truth)[:, 0] - _weighted(times, other, truth)[:, 0])


def _drawn(count: int, resamples: int, seed: int) -> np.ndarray:
    """How often each network is in all networks, and then in each resample: [1 + resamples, count]."""
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), resamples)
    return np.concatenate([np.ones((1, count)), drawn])


def _with_interval(values: np.ndarray) -> tuple[float, float, float]:
    """The first value, that of all networks, and the interval of the others, those of resamples."""
    low, high = np.quantile(values[1:], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(values[0]), float(low), float(high)


def _weighted(times: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(tau, rho) [samples, 2] of samples that contain network i `times[sample, i]` times.

    With the signs s[i, j] of x[i] - x[j], tau-b is a ratio of sums over pairs, and i's rank minus the mean rank is half
    the sum of its signs.
    """
    times = times.astype(np.float32)
    a, b = (_signs(values) for values in (x, y))

    def pairs(terms: np.ndarray) -> np.ndarray:
        return ((times @ terms) * times).sum(1, dtype=float)

    def networks(terms: np.ndarray) -> np.ndarray:
        return (times * terms).sum(1, dtype=float)

    p, q = -times @ a, -times @ b
    tau = _ratio(pairs(a * b), pairs(a * a) * pairs(b * b))
    return np.stack([tau, _ratio(networks(p * q), networks(p * p) * networks(q * q))], axis=1)


def _signs(values: np.ndarray) -> np.ndarray:
    order = np.unique(values, return_inverse=True)[1]
    return np.sign(order[:, None] - order[None]).astype(np.float32)


def _ratio(product: np.ndarray, squares: np.ndarray) -> np.ndarray:
    """product / sqrt(squares); 0 where one variable is constant."""
    return np.divide(product, np.sqrt(squares), out=np.zeros(len(product)), where=squares > 0)
