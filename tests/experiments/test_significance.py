"""Tests which differences between strategies are significant."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from scipy.stats import mannwhitneyu

from experiments.comparison.significance import holm, seeds_needed, significant
from experiments.display.search_curves import Trace
from experiments.studies.compare import pair_rows
from tests.experiments.comparisons import course


def values_of(traces: dict[str, Sequence[float]]) -> dict[str, list[Trace]]:
    """Returns one search per seed that ends with that share."""
    return {name: [course([1.0], [value]) for value in values] for name, values in traces.items()}


def test_equal_strategies_do_not_differ_and_different_ones_do() -> None:
    same = [0.01 * seed for seed in range(10)]
    found = pair_rows(values_of({"random": same, "b": same, "c": [value + 0.5 for value in same]}))
    for row in found:
        assert row["significant"] == ("c" in (row["a"], row["b"])) or row["p"] == 1
    assert {row["p"] for row in found if "c" not in (row["a"], row["b"])} == {1.0}


def test_all_that_is_published_together_is_one_family() -> None:
    """With twelve comparisons (three pairs, two measures, two budgets), the smallest p is multiplied by twelve."""
    same = [0.01 * seed for seed in range(8)]
    found = pair_rows(values_of({"random": same, "b": [v + 0.003 for v in same], "c": [v + 0.5 for v in same]}))
    assert len(found) == 12
    raw = mannwhitneyu(same, [v + 0.5 for v in same], method="exact").pvalue
    assert min(row["p"] for row in found) == pytest.approx(12 * raw)


@pytest.mark.parametrize("seeds", [2, 4, 5])
def test_below_six_seeds_nothing_is_significant(seeds: int) -> None:
    low, high = [0.01 * seed for seed in range(seeds)], [0.5 + 0.01 * seed for seed in range(seeds)]
    assert not any(row["significant"] for row in pair_rows(values_of({"random": low, "b": high})))
    assert not significant(0.0, seeds)


def test_holm_is_between_no_correction_and_bonferronis() -> None:
    raw = [0.01, 0.04, 0.03, 0.5]
    assert holm(raw) == pytest.approx([0.04, 0.09, 0.09, 0.5])


@pytest.mark.parametrize("comparisons", [1, 4, 12, 40, 60])
def test_fewer_seeds_than_needed_cannot_show_a_difference(comparisons: int) -> None:
    needed = seeds_needed(comparisons)
    for seeds in range(2, needed + 1):
        p = mannwhitneyu(range(seeds), range(seeds, 2 * seeds), method="exact").pvalue * comparisons
        assert significant(p, seeds) == (seeds == needed)
