"""What is refused before any work begins: names that are no choices, numbers out of their range."""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter

from compress.foreign import FOREIGN
from experiments import compression
from experiments.accelerator import ACCELERATORS, accelerator
from experiments.choices import OBJECTIVES, RULES, SPACES, STRATEGIES, default_options
from experiments.config import Config, StrategyConfig
from experiments.data import DATASETS, splits
from experiments.devices import DEVICES, destinations
from experiments.spreading import BACKENDS
from predictors.simulated import SCENARIOS
from predictors.table import KEYS, PRECISIONS
from search_spaces.errors import LutraError, unknown

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
    """Raises LutraError for what cannot be done as it is asked."""
    for what, name, known in _named(config):
        if name not in known:
            raise unknown(what, name, known)
    accelerator(config.accelerator)
    _check_options(config.strategy)
    for key, least in AT_LEAST.items():
        value = attrgetter(key)(config)
        if value is not None and not value >= least:
            raise LutraError(f"{key} must be at least {least:g}, not {value!r}")
    compression.check(config.compress, config.model)
    for part in config.hand_made.saved:
        compression.check_fraction("hand_made.saved", part)
    if config.data.path and config.data.name == "digits":
        raise LutraError("data=digits reads no data.path: add data=image_folder for images of your own")
    splits.check(config.data.size, config.data.validation, config.data.seed)
    if config.device.name == "ssh":
        destinations(config.device)
    if not config.runs:
        raise LutraError("runs is empty: give a folder, runs=experiments/runs")


def _named(config: Config) -> Iterable[tuple[str, str, Iterable[str]]]:
    """What is chosen by name: what it is, the name, the names there are."""
    return (
        ("data set", config.data.name, DATASETS),
        ("space", config.space.name, SPACES),
        ("device", config.device.name, DEVICES),
        ("scenario", config.device.scenario, SCENARIOS),
        ("accelerator", config.accelerator, ACCELERATORS),
        ("rule", config.train.rule, RULES),
        ("strategy", config.strategy.name, STRATEGIES),
        ("objective", config.objective.name, OBJECTIVES),
        ("backend", config.search.backend, BACKENDS),
        ("precision", config.precision, PRECISIONS),
        ("model", config.model, ("winner", *FOREIGN)),
        *(("model", name, FOREIGN) for name in config.hand_made.models),
        *compression.named(config.compress),
        *(("strategy", name, STRATEGIES) for name in config.compare.strategies),
        *(("passport key", key, KEYS) for key in config.ignore),
    )


def _check_options(strategy: StrategyConfig) -> None:
    """Counts of at least 1, or rates of at least 0."""
    defaults = default_options(strategy.name)
    for option, value in strategy.options.items():
        if option not in defaults:
            raise unknown(f"option of {strategy.name}", option, defaults)
        kind, least = ("an integer", 1) if isinstance(defaults[option], int) else ("a number", 0)
        if type(value) not in (int, type(defaults[option])) or not value >= least:
            raise LutraError(f"strategy.options.{option} must be {kind} of at least {least}, not {value!r}")
