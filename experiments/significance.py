"""Which strategies are apart: Mann-Whitney's U on the seeds (1947), two-sided, with Holm's correction (1979)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, count
from math import comb

from scipy.stats import mannwhitneyu

LEVEL = 0.05
EXACT = 20  # seeds up to which all orders are counted; with ties that errs towards "not apart"


@dataclass(frozen=True)
class Verdict:
    a: str
    b: str
    p: float  # of all pairs together, after Holm

    @property
    def apart(self) -> bool:
        return self.p < LEVEL


def verdicts(values: Mapping[str, Sequence[float]]) -> list[Verdict]:
    """Every pair of names, by their values, one a seed."""
    pairs = list(combinations(values, 2))
    method = "exact" if max(map(len, values.values())) <= EXACT else "asymptotic"
    raw = [float(mannwhitneyu(values[a], values[b], method=method).pvalue) for a, b in pairs]
    return [Verdict(a, b, p) for (a, b), p in zip(pairs, holm(raw))]


def holm(raw: Sequence[float]) -> list[float]:
    """Step-down: the smallest p times how many there are, the next times one fewer; none below the one before."""
    adjusted, highest = [0.0] * len(raw), 0.0
    for rank, index in enumerate(sorted(range(len(raw)), key=raw.__getitem__)):
        highest = max(highest, min(1.0, (len(raw) - rank) * raw[index]))
        adjusted[index] = highest
    return adjusted


def seeds_needed(strategies: int) -> int:
    """The fewest with which one pair of so many strategies can be told apart at all."""
    pairs = comb(strategies, 2)
    return next(seeds for seeds in count(2) if pairs * 2 / comb(2 * seeds, seeds) < LEVEL)
