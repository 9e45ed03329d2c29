"""Compares two tables of one space: their ratio, their rank correlation, and the layers that changed most."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import kendalltau

from predictors.tables.table import LatencyTable, differences
from predictors.timing.slowdown import slowdown
from search_spaces.errors import LutraError
from search_spaces.layers import Spec


@dataclass(frozen=True)
class Moved:
    """A layer's seconds in both tables; `beyond` is its ratio divided by that of all layers (1.1: 10 % slower)."""

    spec: Spec
    a: float
    b: float
    beyond: float


@dataclass(frozen=True)
class Comparison:
    """`ratio`: the median of b's seconds / a's. `tau`: Kendall's rank correlation. `moved`: largest change first."""

    precision: str
    ratio: float
    tau: float
    moved: tuple[Moved, ...]


def compare(a: LatencyTable, b: LatencyTable) -> list[Comparison]:
    """Compares each precision, over the layers in both tables. Raises LutraError for tables of different spaces."""
    if a.layers != b.layers:
        facts = differences(a.layers, b.layers)
        differing = [f"{key}: {ours} in a, {theirs} in b" for key, ours, theirs in facts if ours != theirs]
        raise LutraError(
            f"these tables are of two spaces, {a.space} and {b.space}, which differ in their {'; '.join(differing)}. "
            "Compare tables of one space, for images of one size and the same number of classes"
        )
    return [_compare(a, b, precision) for precision in a.corrections if precision in b.corrections]


def _compare(a: LatencyTable, b: LatencyTable, precision: str) -> Comparison:
    specs = [spec for kind, spec in a.rows if kind == precision and (kind, spec) in b.rows]
    then, now = (np.array([table.rows[precision, spec].seconds for spec in specs]) for table in (a, b))
    slower = slowdown(then, now)
    beyond = now / slower.now(then)
    moved = [Moved(*row) for row in zip(specs, then.tolist(), now.tolist(), beyond.tolist())]
    moved.sort(key=_change, reverse=True)
    return Comparison(precision, slower.ratio, float(kendalltau(then, now).statistic), tuple(moved))


def _change(row: Moved) -> float:
    """How far the ratio is from 1; infinite where the line through all layers predicts no positive time."""
    return abs(np.log(row.beyond)) if row.beyond > 0 else np.inf
