"""Predicts the latency of a file from latency tables, at the speed that the machine has now."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from experiments.stages.int8_record import InFloat
from predictors.tables.table import LatencyTable
from predictors.timing.slowdown import Slowdown
from search_spaces.layers import Spec


def predicted_seconds(
    specs: Sequence[Spec],
    precision: str,
    in_float: Sequence[InFloat],
    tables: Sequence[tuple[LatencyTable, Mapping[str, Slowdown]]],
) -> float | None:
    """The seconds by the first table that has all layers, else None; with each table, the slowdowns since its session.

    A layer of an INT8 file that stays in float because that was faster counts as INT8, and changes the whole as it did
    when it was timed, conversions included. Any other layer in float counts as fp32, without conversions.
    """
    untimed = [layer.layer for layer in in_float if layer.ratio is None]
    ratio = math.prod(layer.ratio for layer in in_float if layer.ratio is not None)
    for table, slower in tables:
        if table.covers(specs, precision, untimed):
            return float(slower[precision].now(table.latency(specs, precision, untimed)) * ratio)
    return None
