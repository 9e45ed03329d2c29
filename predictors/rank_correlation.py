"""Whether one quantity orders networks as another does: rank correlations, and how sure they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import kendalltau, spearmanr

LEVEL = 0.95


@dataclass(frozen=True)
class RankCorrelation:
    """Kendall's tau-b and Spearman's rho, each with the ends of its 95 % bootstrap interval (Efron 1979)."""

    tau: float
    tau_low: float
    tau_high: float
    rho: float
    rho_low: float
    rho_high: float


def rank_correlation(predicted: np.ndarray, truth: np.ndarray, resamples: int, seed: int) -> RankCorrelation:
    """Of two values [n] of each network. 0 for a constant, which orders nothing; intervals are percentiles."""
    draws = np.random.default_rng(seed).integers(0, len(truth), (resamples, len(truth)))
    drawn = np.array([_both(predicted[draw], truth[draw]) for draw in draws])
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0).tolist()
    tau, rho = _both(predicted, truth)
    return RankCorrelation(tau, low[0], high[0], rho, low[1], high[1])


def _both(predicted: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    if np.ptp(predicted) == 0 or np.ptp(truth) == 0:
        return 0.0, 0.0
    return float(kendalltau(predicted, truth).statistic), float(spearmanr(predicted, truth).statistic)
