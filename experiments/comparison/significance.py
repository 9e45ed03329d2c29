"""Which differences between strategies are significant: Mann-Whitney's U over the seeds (1947), two-sided.

Each strategy and seed has its own random numbers (see `seeded_searches`), so searches are independent, as the test
assumes. All published comparisons, of every pair by every measure at every budget, form one family of Holm's correction
(1979): the probability of any false significance is at most 5 %.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from math import comb

from scipy.stats import mannwhitneyu

from paper.comparison import FEWEST_SEEDS

LEVEL = 0.05
EXACT = 20  # up to this number of seeds the test is exact; with ties it is conservative


def rank_test(a: Sequence[float], b: Sequence[float]) -> float:
    """The p-value of a single comparison, from one value per seed."""
    method = "exact" if max(len(a), len(b)) <= EXACT else "asymptotic"
    return float(mannwhitneyu(a, b, method=method).pvalue)


def holm(raw: Sequence[float]) -> list[float]:
    """p-values adjusted by Holm's step-down procedure (1979)."""
    adjusted, highest = [0.0] * len(raw), 0.0
    for rank, index in enumerate(sorted(range(len(raw)), key=raw.__getitem__)):
        highest = max(highest, min(1.0, (len(raw) - rank) * raw[index]))
        adjusted[index] = highest
    return adjusted


def significant(p: float, seeds: int) -> bool:
    """Whether an adjusted p-value is significant; never with fewer than `FEWEST_SEEDS`."""
    return seeds >= FEWEST_SEEDS and p < LEVEL


def seeds_needed(comparisons: int) -> int:
    """The fewest seeds with which one of so many comparisons can be significant."""
    return next(n for n in count(FEWEST_SEEDS) if comparisons * 2 / comb(2 * n, n) < LEVEL)
