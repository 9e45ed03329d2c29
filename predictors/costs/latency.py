"""Seconds per image on the device, from its latency table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from predictors.costs import Unit
from predictors.models.layer_costs import LayerCost
from search_spaces.space import SearchSpace

if TYPE_CHECKING:
    from predictors.tables.table import LatencyTable

UNIT = Unit("latency_s", "ms", 1e3)


def of_layers(space: SearchSpace, precision: str, table: LatencyTable) -> LayerCost:
    return table.predictor(space, precision)
