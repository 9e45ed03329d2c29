"""What a configuration chooses by name. No torch here: what needs it is imported when it is called."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

from experiments.config import Config, DataConfig
from experiments.data import Shape, shape_of
from experiments.reference import Reference
from search_spaces.mobile import mobile
from search_spaces.mobile_imagenet import mobile_imagenet
from search_spaces.nasbench_macro import nasbench_macro
from search_spaces.space import SearchSpace
from search_spaces.tiny import tiny

SPACES: dict[str, Callable[[int, int, int], SearchSpace]] = {
    "tiny": tiny,
    "mobile": mobile,
    "mobile_imagenet": mobile_imagenet,
    "nasbench_macro": nasbench_macro,
}
STRATEGIES = {
    "random": Reference("strategies.random_search:random_search"),
    "evolution": Reference("strategies.regularized_evolution:regularized_evolution"),
    "nsga2": Reference("strategies.nsga2:nsga2"),
    "surrogate": Reference("strategies.surrogate:surrogate"),
    "darts": Reference("strategies.darts:darts"),
}
LEARNING = ("darts",)  # strategies that need weights to train
RULES = {
    "sandwich": Reference("search_spaces.sandwich:sandwich"),
    "single_path": Reference("search_spaces.single_path:single_path"),
}


def default_options(strategy: str) -> dict[str, Any]:
    """The strategy's keywords with a default: those beside the problem and the random numbers."""
    return {name: option.default for name, option in STRATEGIES[strategy].options.items()}


def option_hints(strategy: str) -> dict[str, Any]:
    """The annotations of those keywords: their types and ranges."""
    return {name: option.hint for name, option in STRATEGIES[strategy].options.items()}


def space_of(config: Config) -> SearchSpace:
    """The space at the data's size and number of classes."""
    shape = _shape(config.data)
    return SPACES[config.space.name](shape.in_channels, shape.resolution, shape.classes)


@cache
def _shape(data: DataConfig) -> Shape:
    return shape_of(data.name, data.path, data.size, data.cache)


def strategy_of(config: Config) -> Callable[..., Any]:
    """The strategy with the configured options."""
    return partial(STRATEGIES[config.strategy.name], **config.strategy.options)
