"""The objects that a configuration chooses. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

from experiments.config import Config, DataConfig, SpaceConfig, StrategyConfig
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
    "chosen_space",
    "default_options",
    "images_shape",
    "option_hints",
    "space_of",
    "strategy_of",
]


def space_of(config: Config) -> SearchSpace:
    """The space for the data's image size and number of classes."""
    shape = images_shape(config.data)
    return chosen_space(config.space, shape.in_channels, shape.resolution, shape.classes)


def chosen_space(chosen: SpaceConfig, in_channels: int, resolution: int, classes: int) -> SearchSpace:
    """The space, under the chosen trunks. Raises LutraError if it does not have them."""
    space: SearchSpace = SPACES[chosen.name](in_channels, resolution, classes)
    return space.under(chosen.trunks) if chosen.trunks else space


@cache
def images_shape(data: DataConfig) -> Shape:
    """The shape of the images, and their number of classes."""
    return shape_of(data.name, data.path, data.size, data.cache)


def strategy_of(chosen: StrategyConfig) -> Callable[..., Any]:
    """The strategy with the configured options; its module is imported here, and not during a search that is timed."""
    return partial(STRATEGIES[chosen.name].function, **chosen.options)
