"""What a configuration chooses by name, and the objects that the choices make."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from functools import cache, partial
from typing import Any

from strategies.darts import darts

from experiments.config import Config, DataConfig, DeviceConfig
from experiments.data import DATASETS, Dataset, shape_of
from experiments.progress import track
from predictors.device import Board, local
from predictors.table import LatencyTable
from search_spaces.errors import LutraError, unknown
from search_spaces.mobile import mobile
from search_spaces.mobile_imagenet import mobile_imagenet
from search_spaces.nasbench_macro import nasbench_macro
from search_spaces.space import SearchSpace
from search_spaces.tiny import tiny
from strategies.nsga2 import nsga2
from strategies.objective import Bounded, MnasNet, Objective, Pareto
from strategies.problem import Candidate, Strategy
from strategies.random_search import random_search
from strategies.regularized_evolution import regularized_evolution

SPACES: dict[str, Callable[[int, int, int], SearchSpace]] = {
    "tiny": tiny,
    "mobile": mobile,
    "mobile_imagenet": mobile_imagenet,
    "nasbench_macro": nasbench_macro,
}
STRATEGIES: dict[str, Callable[..., Iterator[Candidate]]] = {
    "random": random_search,
    "evolution": regularized_evolution,
    "nsga2": nsga2,
    "darts": darts,
}
OBJECTIVES = ("bounded", "mnasnet", "pareto")
DEVICES: dict[str, Callable[[int], AbstractContextManager[Board]]] = {"local": local}


def space_of(config: Config) -> SearchSpace:
    """The space at the data's size and number of classes."""
    if config.space.name not in SPACES:
        raise unknown("space", config.space.name, SPACES)
    shape = shape_of(config.data.name, config.data.path, config.data.size)
    return SPACES[config.space.name](shape.in_channels, shape.resolution, shape.classes)


@cache
def dataset_of(config: DataConfig) -> Dataset:
    """The images, in memory; read once a process."""
    if config.name not in DATASETS:
        raise unknown("data set", config.name, DATASETS)
    return DATASETS[config.name](config.path, config.size, config.validation, config.seed, _reading)


def _reading(items: Iterable[Any], total: int) -> Iterable[Any]:
    return track(items, "reading images", total)


def board_of(config: DeviceConfig) -> AbstractContextManager[Board]:
    """A connection to the device's agent."""
    if config.name not in DEVICES:
        raise unknown("device", config.name, DEVICES)
    return DEVICES[config.name](config.threads)


@cache
def passport_of(config: DeviceConfig) -> Mapping[str, Any]:
    """What machine the device is; asked once a process."""
    with board_of(config) as board:
        return board.passport


def strategy_of(config: Config) -> Strategy:
    """The strategy with the configured options. Raises LutraError for an option that it has not."""
    name = config.strategy.name
    if name not in STRATEGIES:
        raise unknown("strategy", name, STRATEGIES)
    known = list(inspect.signature(STRATEGIES[name]).parameters)[2:]
    for option in config.strategy.options:
        if option not in known:
            raise unknown(f"option of {name}", option, known)
    return partial(STRATEGIES[name], **config.strategy.options)


def objective_of(config: Config, space: SearchSpace, table: LatencyTable) -> Objective:
    """The objective with its target in seconds. Raises LutraError where no network is as fast."""
    name, latency = config.objective.name, table.predictor(space, config.precision)
    if name not in OBJECTIVES:
        raise unknown("objective", name, OBJECTIVES)
    if name == "pareto":
        return Pareto(worst=latency(latency.slowest))
    target = target_of(config, space, table)
    fastest = latency(latency.fastest)
    if target < fastest:
        raise LutraError(
            f"no network of {space.name} takes {1e3 * target:.4g} ms in {config.precision}: the fastest, "
            f"{latency.fastest}, takes {1e3 * fastest:.4g} ms; raise objective.target_ms or objective.target_fraction"
        )
    return Bounded(target) if name == "bounded" else MnasNet(target, config.objective.weight)


def target_of(config: Config, space: SearchSpace, table: LatencyTable) -> float:
    """Seconds: as given, or a fraction of what the hand-made reference was measured at."""
    if config.objective.target_ms is not None:
        return config.objective.target_ms / 1e3
    rows = {row.arch: row for row in table.networks if row.precision == config.precision}
    return config.objective.target_fraction * rows[space.reference].measured
