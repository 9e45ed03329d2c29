"""What a configuration chooses by name, and the objects that the choices make."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cache, partial
from typing import Any

import torch

from experiments.accelerator import accelerator
from experiments.artefacts import arch_name
from experiments.config import Config, DataConfig
from experiments.data import DATASETS, Dataset, Shape, shape_of
from experiments.progress import console, track
from experiments.recipes import check_batches
from predictors.table import LatencyTable
from search_spaces.errors import LutraError
from search_spaces.mobile import mobile
from search_spaces.mobile_imagenet import mobile_imagenet
from search_spaces.nasbench_macro import nasbench_macro
from search_spaces.sandwich import sandwich
from search_spaces.single_path import single_path
from search_spaces.space import SearchSpace
from search_spaces.tiny import tiny
from search_spaces.training import Backward
from strategies.darts import darts
from strategies.nsga2 import nsga2
from strategies.objective import Bounded, MnasNet, Objective, Pareto
from strategies.problem import Candidate, Strategy
from strategies.random_search import random_search
from strategies.regularized_evolution import regularized_evolution
from strategies.surrogate import surrogate

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
    "surrogate": surrogate,
    "darts": darts,
}
LEARNING = ("darts",)  # strategies that need weights to train
RULES: dict[str, Callable[..., Backward]] = {"sandwich": sandwich, "single_path": single_path}
OBJECTIVES = ("bounded", "mnasnet", "pareto")


def default_options(strategy: str) -> dict[str, Any]:
    """The strategy's keywords with a default: those beside the problem and the random numbers."""
    parameters = list(inspect.signature(STRATEGIES[strategy]).parameters.values())[2:]
    return {parameter.name: parameter.default for parameter in parameters}


def option_hints(strategy: str) -> dict[str, Any]:
    """The annotations of those keywords: their types and ranges."""
    hints = typing.get_type_hints(STRATEGIES[strategy], include_extras=True)
    return {name: hints[name] for name in default_options(strategy)}


def space_of(config: Config) -> SearchSpace:
    """The space at the data's size and number of classes."""
    shape = _shape(config.data)
    return SPACES[config.space.name](shape.in_channels, shape.resolution, shape.classes)


@cache
def _shape(data: DataConfig) -> Shape:
    return shape_of(data.name, data.path, data.size, data.cache)


@cache
def dataset_of(config: DataConfig) -> Dataset:
    """The images, read once a process."""
    data = DATASETS[config.name](config.path, config.size, config.validation, config.seed, _reading, config.cache)
    if data.passed:
        console.print(f"passed over in {config.path}: {data.passed}", markup=False, highlight=False, soft_wrap=True)
    return replace(data, flip=data.flip and config.flip)


def training_data(config: Config) -> Dataset:
    """The images where torch trains: all of them, as bytes, so that no batch has to be brought there."""
    data = _placed(config.data, accelerator(config.accelerator))
    if line := check_batches(config, len(data.train.labels)):
        _say_once(line)
    return data


@cache
def _say_once(line: str) -> None:
    console.print(line, soft_wrap=True, highlight=False, markup=False)


@cache
def _placed(data: DataConfig, device: torch.device) -> Dataset:
    try:
        return dataset_of(data).to(device)
    except torch.OutOfMemoryError as error:
        raise LutraError(
            f"the images of {data.name} at {data.size} px do not fit into the GPU's memory: lower data.size, or add "
            "accelerator=cpu"
        ) from error


def _reading(items: Iterable[Any], total: int) -> Iterable[Any]:
    return track(items, "reading images", total)


def strategy_of(config: Config) -> Strategy:
    """The strategy with the configured options."""
    return partial(STRATEGIES[config.strategy.name], **config.strategy.options)


def objective_of(config: Config, space: SearchSpace, table: LatencyTable) -> Objective:
    """The objective with its target in seconds. Raises LutraError where no network is as fast."""
    name, latency = config.objective.name, table.predictor(space, config.precision)
    if name == "pareto":
        return Pareto(worst=latency(latency.slowest))
    target = target_of(config, space, table)
    fastest = latency(latency.fastest)
    if target < fastest:
        raise LutraError(
            f"no network in {space.name} is as fast as {1e3 * target:.4g} ms in {config.precision}: the fastest, "
            f"{arch_name(latency.fastest)}, takes {1e3 * fastest:.4g} ms; raise objective.target_ms or "
            "objective.target_fraction"
        )
    return Bounded(target) if name == "bounded" else MnasNet(target, config.objective.weight)


def target_of(config: Config, space: SearchSpace, table: LatencyTable) -> float:
    """Seconds: as given, or a fraction of what the hand-made reference was measured at."""
    if config.objective.target_ms is not None:
        return config.objective.target_ms / 1e3
    rows = {row.arch: row for row in table.networks if row.precision == config.precision}
    return config.objective.target_fraction * rows[space.reference].measured
