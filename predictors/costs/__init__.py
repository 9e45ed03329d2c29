"""What a network costs, by name. Each file here is a cost: its `UNIT`, and `of_layers` of a space.

A cost is known without training and, but for latency, without measuring.
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
    """How a cost is written: as it is in a CSV file's column, and times `scale` for people."""

    column: str
    symbol: str
    scale: float

    def text(self, value: float) -> str:
        return f"{self.scale * value:.4g} {self.symbol}"


class _Cost(Protocol):
    UNIT: Unit

    def of_layers(self, space: SearchSpace, precision: str, table: LatencyTable) -> LayerCost:
        """Raises LutraError where the table lacks a layer."""


def unit(name: str) -> Unit:
    return _module(name).UNIT


def layer_costs(
    names: Sequence[str], space: SearchSpace, precision: str, table: LatencyTable
) -> Mapping[str, LayerCost]:
    """By name, of networks in a precision. Raises LutraError where the table lacks a layer."""
    return {name: _module(name).of_layers(space, precision, table) for name in names}


def text(costs: Mapping[str, float]) -> str:
    """For people: 0.123 ms, size 82.4 kB."""
    return ", ".join(
        f"{'' if name == LATENCY else f'{name} '}{unit(name).text(value)}" for name, value in costs.items()
    )


def columns(costs: Mapping[str, float]) -> dict[str, float]:
    """For a CSV file's row."""
    return {unit(name).column: value for name, value in costs.items()}


def of_options(space: SearchSpace, of: Callable[[Spec], float]) -> np.ndarray:
    """[layers, options]: something of each layer; NaN where a layer has fewer options."""
    values = np.full((len(space.layers), max(space.options)), np.nan)
    for row, options in zip(values, space.layers):
        row[: len(options)] = [of(spec) for spec in options]
    return values


def _module(name: str) -> _Cost:
    return import_module(f"{__name__}.{name}")
