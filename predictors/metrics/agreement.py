"""How well predicted latencies agree with measured ones."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import kendalltau


@dataclass(frozen=True)
class Agreement:
    """Relative errors, fractions of networks, and rank correlations."""

    bias: float  # mean relative error: positive if the prediction is too high
    mape: float  # mean absolute relative error
    within_5: float  # fraction of networks predicted within 5 %
    within_10: float
    tau: float  # Kendall's tau-b: ignores pairs that are predicted to be equal
    tau_a: float  # Kendall's tau-a: counts such a pair as half right; equals tau-b without ties


def agreement(predicted: np.ndarray, measured: np.ndarray) -> Agreement:
    """Compares predicted and measured seconds [n]. Both taus are 0 for a constant prediction."""
    error = predicted / measured - 1
    tau = float(kendalltau(predicted, measured).statistic)
    untied = math.sqrt(_untied(predicted) * _untied(measured))
    return Agreement(
        bias=float(error.mean()),
        mape=float(np.abs(error).mean()),
        within_5=float((np.abs(error) <= 0.05).mean()),
        within_10=float((np.abs(error) <= 0.10).mean()),
        tau=tau if untied else 0.0,
        tau_a=tau * untied if untied else 0.0,
    )


def _untied(values: np.ndarray) -> float:
    """The fraction of pairs that differ."""
    counts = np.unique(values, return_counts=True)[1]
    return 1 - float((counts * (counts - 1)).sum()) / (len(values) * (len(values) - 1))
