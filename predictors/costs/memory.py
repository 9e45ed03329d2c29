"""Peak bytes of live activations for one image: the memory that a small board needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from predictors.costs import Unit, of_options
from predictors.models.layer_costs import LargestCost, LayerCost
from search_spaces.costs import peak_activations
from search_spaces.space import SearchSpace

if TYPE_CHECKING:
    from predictors.tables.table import LatencyTable

UNIT = Unit("memory_bytes", "kB", 1e-3)
VALUE = {"fp32": 4, "int8": 1}  # bytes per activation


def of_layers(space: SearchSpace, precision: str, table: LatencyTable) -> LayerCost:
    return LargestCost(of_options(space, lambda spec: VALUE[precision] * peak_activations([spec])), trunks=space.trunks)
