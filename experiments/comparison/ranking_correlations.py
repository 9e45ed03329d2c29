"""Rank correlations of the supernet, and of zero-cost proxies, with the accuracies of networks trained alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

import numpy as np

from paper.ranking_rows import ANOTHER, OTHERS, Ranked, RankTau
from predictors.metrics.rank_correlation import rank_correlation, tau_difference

RESAMPLES = 1000
INHERITED = "inherited"  # the column of the supernet's accuracies
PREDICTORS = {"supernet": INHERITED, "NASWOT": "naswot", "parameters": "parameters", "MACs": "macs"}  # -> column


def correlations(networks: Sequence[Ranked], seed: int) -> list[RankTau]:
    """Each predictor's correlations among all networks and, if there are at least three, those above the median.

    If the networks were trained more than once, the last ones are with all trainings but the first, which is then one
    of the predictors.
    """
    median = np.median([network.alone for network in networks])
    groups = {
        "all": (networks, PREDICTORS, "alone"),
        "above median": ([network for network in networks if network.alone > median], PREDICTORS, "alone"),
    }
    if all(network.others is not None for network in networks):
        groups[OTHERS] = networks, {**PREDICTORS, ANOTHER: "first"}, "others"
    return [
        _correlated(name, column, among, group, truth, seed)
        for among, (group, predictors, truth) in groups.items()
        if len(group) > 2
        for name, column in predictors.items()
    ]


def _correlated(name: str, column: str, among: str, group: Sequence[Ranked], truth: str, seed: int) -> RankTau:
    predicted, inherited, true = (
        np.array([getattr(network, one) for network in group], float) for one in (column, INHERITED, truth)
    )
    made = RankTau(name, among, len(group), **asdict(rank_correlation(predicted, true, RESAMPLES, seed)))
    if column == INHERITED:
        return made
    difference, low, high = tau_difference(inherited, predicted, true, RESAMPLES, seed)
    return replace(made, difference=difference, difference_low=low, difference_high=high)
