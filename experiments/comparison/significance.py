"""Which differences between strategies are significant: Mann-Whitney's U over the seeds (1947), two-sided.

Each strategy and seed has random numbers of its own (see `seeded_searches`): searches are independent, as the test
assumes. All comparisons that are published together, of every pair by every measure at every budget, are one
family of Holm's correction (1979): the chance that any of them is called significant wrongly is at most 5 %.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from math import comb

from scipy.stats import mannwhitneyu

from paper.comparison import FEWEST_SEEDS

LEVEL = 0.05
EXACT = 20  # seeds up to which all orders are counted; with ties that errs towards "not significant"


def rank_test(a: Sequence[float], b: Sequence[float]) -> float:
    """The p-value of one comparison alone, of one value a seed."""
    method = "exact" if max(len(a), len(b)) <= EXACT else "asymptotic"
    return float(mannwhitneyu(a, b, method=method).pvalue)


def holm(raw: Sequence[float]) -> list[float]:
    """Step-down: the smallest p times how many there are, the next times one fewer; none below the one before."""
    adjusted, highest = [0.0] * len(raw), 0.0
    for rank, index in enumerate(sorted(range(len(raw)), key=raw.__getitem__)):
        highest = max(highest, min(1.0, (len(raw) - rank) * raw[index]))
        adjusted[index] = highest
    return adjusted


def significant(p: float, seeds: int) -> bool:
    """By an adjusted p-value. Never below `FEWEST_SEEDS`."""
    return seeds >= FEWEST_SEEDS and p < LEVEL


def seeds_needed(comparisons: int) -> int:
    """The fewest with which one of so many comparisons can be significant at all."""
    return next(n for n in count(FEWEST_SEEDS) if comparisons * 2 / comb(2 * n, n) < LEVEL)
