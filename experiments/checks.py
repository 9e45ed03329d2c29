"""What is refused before any work begins: names that are no choices, numbers out of range, settings that contradict."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection, Mapping
from operator import attrgetter
from pathlib import Path
from typing import Any

from experiments import compression
from experiments import costs as estimates
from experiments.choices import RULES, SPACES, STRATEGIES, default_options, option_hints
from experiments.command_config import ACTIONS
from experiments.compression import MODELS, WINNER
from experiments.config import BACKENDS, Config, StrategyConfig
from experiments.data import DATASETS
from experiments.devices import DEVICES, destinations
from experiments.gpu import ACCELERATORS, computes_on
from experiments.published_latencies import UNITS
from experiments.schema import OPTIONS, Setting, setting, settings
from experiments.targets import OBJECTIVES
from predictors import costs
from predictors.simulated import SCENARIOS
from predictors.table import KEYS, PRECISIONS
from search_spaces.errors import LutraError, unknown

# key -> what is chosen by name, and the names there are
CHOICES: Mapping[str, tuple[str, Collection[str]]] = {
    "data.name": ("data set", DATASETS),
    "space.name": ("space", SPACES),
    "device.name": ("device", DEVICES),
    "device.scenario": ("scenario", SCENARIOS),
    "accelerator": ("accelerator", ACCELERATORS),
    "train.rule": ("rule", RULES),
    "strategy.name": ("strategy", STRATEGIES),
    "objective.name": ("objective", OBJECTIVES),
    "objective.costs": ("cost", costs.NAMES),
    "search.backend": ("backend", BACKENDS),
    "precision": ("precision", PRECISIONS),
    "model": ("model", (WINNER, *MODELS)),
    "hand_made.models": ("model", MODELS),
    "compare.strategies": ("strategy", STRATEGIES),
    "ignore": ("passport key", KEYS),
    "tables.action": ("action", ACTIONS),
    "fidelity.unit": ("unit", UNITS),
    **compression.CHOICES,
}
THREADS = 2  # the default, which is accepted on one core too


def check(config: Config) -> None:
    """Raises LutraError for what cannot be done as it is asked."""
    for key, one in settings().items():
        check_value(one, attrgetter(key)(config))
    options(config.strategy)
    computes_on(config.accelerator)
    compression.check(config.compress, config.model)
    config.measure.check()
    _check_threads(config)
    if config.data.path and config.data.name == "digits":
        raise LutraError("data=digits reads no data.path: add data=image_folder for images of your own")
    if config.device.name == "ssh":
        destinations(config.device)
    if not config.fidelity.train:
        raise LutraError("fidelity.train=[] learns from no networks: give numbers of them, fidelity.train=[50,100]")
    if costs.LATENCY not in config.objective.costs:
        raise LutraError("objective.costs has no latency, which every result tells: add objective.costs=[latency,...]")
    if config.publish:
        check_writable("results", Path(config.results))
    if config.demo.bundle:
        check_writable("demo.bundle", Path(config.demo.bundle))
    if config.demo.record:
        check_writable("demo.record", Path(config.demo.record).parent)
    estimates.check(config)


def check_value(one: Setting, given: Any) -> None:
    """Raises LutraError where the setting cannot have the value."""
    value = one.value(given)
    if one.key in CHOICES:
        what, names = CHOICES[one.key]
        for name in value if one.many else [value]:
            if name not in names:
                raise unknown(what, name, names)


def option_settings(strategy: str) -> Mapping[str, Setting]:
    """The strategy's own options by name."""
    return {name: setting(f"{OPTIONS}.{name}", hint, None) for name, hint in option_hints(strategy).items()}


def options(strategy: StrategyConfig) -> dict[str, Any]:
    """The strategy's options in their types. Raises LutraError for one that it does not have or cannot use."""
    known = option_settings(strategy.name)
    for name in strategy.options:
        if name not in known:
            raise unknown(f"option of {strategy.name}", name, known)
    values = {name: known[name].value(given) for name, given in strategy.options.items()}
    used = default_options(strategy.name) | values
    population, tournament = used.get("population", 0), used.get("tournament", 0)
    if tournament > population:
        raise LutraError(
            f"{OPTIONS}.tournament={tournament} draws more than the {population} members there are: "
            f"add {OPTIONS}.tournament={max(1, population // 2)}, or raise {OPTIONS}.population"
        )
    return values


def _check_threads(config: Config) -> None:
    cores = os.cpu_count() or 1
    asked = {"threads": (config.threads, max(cores, THREADS))}
    if config.device.name == "local":
        asked["device.threads"] = (config.device.threads, cores)
    for key, (threads, most) in asked.items():
        if threads > most:
            raise LutraError(f"{key}={threads} is more than this machine's {cores} cores: give at most {most}")


def check_writable(key: str, folder: Path) -> None:
    """Raises LutraError where nothing can be written into the folder: said before the work, not after it."""
    whole = Path(os.path.abspath(folder))
    place = next(one for one in (whole, *whole.parents) if os.path.lexists(one))
    if not place.is_dir():
        raise LutraError(f"{key}: nothing can be written to {folder}, as {place} is no folder; give another {key}")
    try:
        with tempfile.TemporaryFile(dir=place):
            return
    except OSError as error:
        reason = f"{place}: {error.strerror}"
    raise LutraError(f"{key}: nothing can be written to {folder} ({reason}); give another {key}")
