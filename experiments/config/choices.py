"""The objects that a configuration chooses. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

from experiments.config import Config, DataConfig, StrategyConfig
from experiments.config.registry import (
    LEARNING,
    RULES,
    SPACES,
    STRATEGIES,
    default_options,
    option_hints,
)
from experiments.data import Shape, shape_of
from search_spaces.space import SearchSpace

__all__ = [
    "LEARNING",
    "RULES",
    "SPACES",
    "STRATEGIES",
    "default_options",
    "option_hints",
    "space_of",
    "strategy_of",
]


def space_of(config: Config) -> SearchSpace:
    """The space for the data's image size and number of classes."""
    shape = _shape(config.data)
    space: SearchSpace = SPACES[config.space.name](shape.in_channels, shape.resolution, shape.classes)
    return space


@cache
def _shape(data: DataConfig) -> Shape:
    return shape_of(data.name, data.path, data.size, data.cache)


def strategy_of(chosen: StrategyConfig) -> Callable[..., Any]:
    """The strategy with the configured options."""
    return partial(STRATEGIES[chosen.name], **chosen.options)
