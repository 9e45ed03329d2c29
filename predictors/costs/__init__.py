"""The costs of a network, by name. Each file here is one cost, with its `UNIT` and `of_layers(space, ...)`.

A cost needs no training and, except for latency, no measurement.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Protocol

import numpy as np

from predictors.models.layer_costs import LayerCost
from search_spaces.layers import Spec
from search_spaces.space import SearchSpace

if TYPE_CHECKING:
    from predictors.tables.table import LatencyTable

LATENCY = "latency"
NAMES = tuple(sorted(module.name for module in iter_modules(__path__)))


@dataclass(frozen=True)
class Unit:
    """A cost's unit: the CSV column of its values (seconds or bytes), and the symbol and scale for display."""

    column: str
    symbol: str
    scale: float

    def text(self, value: float) -> str:
        return f"{self.scale * value:.4g} {self.symbol}"


class _Cost(Protocol):
    UNIT: Unit

    def of_layers(self, space: SearchSpace, precision: str, table: LatencyTable) -> LayerCost:
        """The cost of each layer option. Raises LutraError if the table lacks a layer."""


def unit(name: str) -> Unit:
    return _module(name).UNIT


def layer_costs(
    names: Sequence[str], space: SearchSpace, precision: str, table: LatencyTable
) -> Mapping[str, LayerCost]:
    """The costs of layers by name, for networks in one precision. Raises LutraError if the table lacks a layer."""
    return {name: _module(name).of_layers(space, precision, table) for name in names}


def text(costs: Mapping[str, float]) -> str:
    """Costs (latency in seconds, others in bytes) for display, such as: 0.123 ms, size 82.4 kB."""
    return ", ".join(
        f"{'' if name == LATENCY else f'{name} '}{unit(name).text(value)}" for name, value in costs.items()
    )


def columns(costs: Mapping[str, float]) -> dict[str, float]:
    """Costs (latency in seconds, others in bytes) by their CSV columns."""
    return {unit(name).column: value for name, value in costs.items()}


def of_options(space: SearchSpace, of: Callable[[Spec], float]) -> np.ndarray:
    """[layers, options of all trunks]: a function of each layer's options; NaN where a layer has fewer."""
    values = np.full((len(space.layers), max(map(len, space.layers))), np.nan)
    for row, options in zip(values, space.layers):
        row[: len(options)] = [of(spec) for spec in options]
    return values


def _module(name: str) -> _Cost:
    return import_module(f"{__name__}.{name}")
