"""What a configuration chooses by name, and the objects that the choices make."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cache, partial
from operator import attrgetter
from typing import Any

from compress.calibration import METHODS
from compress.foreign import FOREIGN
from compress.prune import uniform_widths
from experiments.config import CompressConfig, Config, DataConfig, StrategyConfig
from experiments.data import DATASETS, Dataset, Shape, shape_of, splits
from experiments.devices import DEVICES, destinations
from experiments.progress import track
from experiments.spreading import BACKENDS
from predictors.simulated import SCENARIOS
from predictors.table import KEYS, PRECISIONS, LatencyTable
from search_spaces.errors import LutraError, unknown
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
STAGES = ("prune", "lowrank", "finetune", "sparsify", "cluster", "qat", "quantize")  # of compression
PRUNING = ("device", "uniform", "global", "depgraph")
IMPORTANCES = ("taylor", "batch_norm", "l1")
PATTERNS = ("smallest", "two_of_four")
TEACHERS = ("winner", "largest")
KINDS = ("static", "dynamic", "fp16")
OBJECTIVES = ("bounded", "mnasnet", "pareto")
AT_LEAST = {
    "threads": 1,
    "checkpoint_seconds": 0,
    "seed": 0,
    "supernet_seed": 0,
    "device.threads": 1,
    "measure.min_rounds": 1,
    "measure.max_rounds": 1,
    "measure.networks": 3,
    "measure.sample_seconds": 1e-4,
    "train.steps": 1,
    "train.batch": 2,
    "train.ema": 0,
    "retrain.steps": 1,
    "retrain.batch": 2,
    "retrain.ema": 0,
    "compress.finetune.steps": 1,
    "compress.finetune.batch": 2,
    "compress.qat.steps": 1,
    "compress.qat.batch": 2,
    "compress.calibration": 1,
    "compress.prune.images": 1,
    "compress.prune.widths": 1,
    "compress.prune.target_ms": 0,
    "compress.temperature": 1e-3,
    "compress.clusters": 2,
    "search.budget": 1,
    "search.calibration": 2,
    "search.validation": 0,
    "exact.points": 2,
    "exact.budget_ms": 0,
    "search.jobs": 1,
    "ranking.networks": 4,
    "demo.frames": 0,
    "demo.pace": 0.1,
    "objective.target_ms": 0,
    "compare.seeds": 1,
    "compare.seconds": 0,
    "objective.target_fraction": 0,
}


def check(config: Config) -> None:
    """Raises LutraError for a name that is no choice, or a number out of its range, before any work begins."""
    named: tuple[tuple[str, str, Iterable[str]], ...] = (
        ("data set", config.data.name, DATASETS),
        ("space", config.space.name, SPACES),
        ("device", config.device.name, DEVICES),
        ("scenario", config.device.scenario, SCENARIOS),
        ("rule", config.train.rule, RULES),
        ("strategy", config.strategy.name, STRATEGIES),
        ("objective", config.objective.name, OBJECTIVES),
        ("backend", config.search.backend, BACKENDS),
        ("precision", config.precision, PRECISIONS),
        ("model", config.model, ("winner", *FOREIGN)),
        *(("model", name, FOREIGN) for name in config.hand_made.models),
        *(("stage", name, STAGES) for name in config.compress.stages),
        ("rule of pruning", config.compress.prune.rule, PRUNING),
        ("importance", config.compress.prune.importance, IMPORTANCES),
        ("pattern", config.compress.sparsify.pattern, PATTERNS),
        ("teacher", config.compress.teacher, TEACHERS),
        ("kind of quantization", config.compress.quantize.kind, KINDS),
        ("calibration method", config.compress.quantize.method, METHODS),
        *(("strategy", name, STRATEGIES) for name in config.compare.strategies),
        *(("passport key", key, KEYS) for key in config.ignore),
    )
    for what, name, known in named:
        if name not in known:
            raise unknown(what, name, known)
    _check_options(config.strategy)
    for key, least in AT_LEAST.items():
        value = attrgetter(key)(config)
        if value is not None and not value >= least:
            raise LutraError(f"{key} must be at least {least:g}, not {value!r}")
    _check_compression(config.compress)
    plain = config.model == "winner" and (
        "prune" not in config.compress.stages or config.compress.prune.rule != "depgraph"
    )
    if not plain and {"lowrank", "sparsify", "cluster", "qat"} & {*config.compress.stages}:
        raise LutraError(
            "hand-made networks, and those that depgraph has pruned, cannot be factorised, sparsified, clustered or "
            "trained for INT8: take lowrank, sparsify, cluster and qat out of compress.stages"
        )
    if config.model != "winner" and "prune" in config.compress.stages and config.compress.prune.rule != "depgraph":
        raise LutraError("a hand-made network is pruned by torch-pruning: add compress.prune.rule=depgraph")
    splits.check(config.data.size, config.data.validation, config.data.seed)
    if config.device.name == "ssh":
        destinations(config.device)
    if not config.runs:
        raise LutraError("runs is empty: give a folder, runs=experiments/runs")


def _check_compression(chosen: CompressConfig) -> None:
    uniform_widths((), chosen.prune.keep)
    if chosen.sparsify.pattern == "two_of_four" and chosen.sparsify.sparsity != 0.5:
        raise LutraError("two_of_four cuts exactly half of the weights: leave compress.sparsify.sparsity at 0.5")
    shared = chosen.stages.index("cluster") if "cluster" in chosen.stages else len(chosen.stages)
    if {"finetune", "sparsify", "qat"} & {*chosen.stages[shared:]}:
        raise LutraError("training after cluster would part the weights that share a value: let cluster come last")
    if "quantize" in chosen.stages[:-1]:
        raise LutraError("quantize makes the file that is deployed: it comes last in compress.stages, and once")
    for key, value in (
        ("prune.saved", chosen.prune.saved),
        ("distillation", chosen.distillation),
    ):
        if not 0 <= value <= 1:
            raise LutraError(f"compress.{key} is a fraction, from 0 to 1, not {value}")
    if not 0 < chosen.energy <= 1:
        raise LutraError(f"compress.energy is a fraction, above 0 and at most 1, not {chosen.energy}")
    if not 0 <= chosen.sparsify.sparsity < 1:
        raise LutraError(f"compress.sparsify.sparsity is a fraction below 1, not {chosen.sparsify.sparsity}")


def _check_options(strategy: StrategyConfig) -> None:
    """Counts of at least 1, or rates of at least 0."""
    defaults = default_options(strategy.name)
    for option, value in strategy.options.items():
        if option not in defaults:
            raise unknown(f"option of {strategy.name}", option, defaults)
        kind, least = ("an integer", 1) if isinstance(defaults[option], int) else ("a number", 0)
        if type(value) not in (int, type(defaults[option])) or not value >= least:
            raise LutraError(f"strategy.options.{option} must be {kind} of at least {least}, not {value!r}")


def default_options(strategy: str) -> dict[str, Any]:
    """The strategy's keywords with a default: those beside the problem and the random numbers."""
    parameters = list(inspect.signature(STRATEGIES[strategy]).parameters.values())[2:]
    return {parameter.name: parameter.default for parameter in parameters}


def space_of(config: Config) -> SearchSpace:
    """The space at the data's size and number of classes."""
    shape = _shape(config.data)
    return SPACES[config.space.name](shape.in_channels, shape.resolution, shape.classes)


@cache
def _shape(data: DataConfig) -> Shape:
    return shape_of(data.name, data.path, data.size)


@cache
def dataset_of(config: DataConfig) -> Dataset:
    """The images, in memory; read once a process."""
    data = DATASETS[config.name](config.path, config.size, config.validation, config.seed, _reading)
    return replace(data, flip=data.flip and config.flip)


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
