"""Bytes of a network's weights in its file, without the nodes' names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from predictors.costs import Unit, of_options
from predictors.models.layer_costs import AdditiveCost, LayerCost
from search_spaces.costs import weight_bytes
from search_spaces.space import SearchSpace

if TYPE_CHECKING:
    from predictors.tables.table import LatencyTable

UNIT = Unit("size_bytes", "kB", 1e-3)


def of_layers(space: SearchSpace, precision: str, table: LatencyTable) -> LayerCost:
    return AdditiveCost(of_options(space, lambda spec: weight_bytes([spec], precision)), trunks=space.trunks)
