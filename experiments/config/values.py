"""Whether a setting accepts a value; checked on the command line, before the configuration is composed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from experiments.compute.gpu import ACCELERATORS
from experiments.config import BACKENDS, DEVICES, SCENARIOS, StrategyConfig, compression
from experiments.config.command_config import ACTIONS, PARTS, REFERENCE, UNITS
from experiments.config.compression import MODELS, OWN_KINDS, WINNER
from experiments.config.registry import (
    COSTS,
    DATASETS,
    OBJECTIVES,
    RULES,
    RUNTIMES,
    SPACES,
    STRATEGIES,
    default_options,
    option_hints,
)
from experiments.config.schema import OPTIONS, Setting, setting
from predictors.board.fingerprint import KEYS, PRECISIONS
from search_spaces.errors import LutraError, unknown

# key -> what its names stand for, and the valid names
CHOICES: Mapping[str, tuple[str, Collection[str]]] = {
    "data.name": ("data set", DATASETS),
    "space.name": ("space", SPACES),
    "device.name": ("device", DEVICES),
    "device.library": ("runtime", RUNTIMES),
    "device.scenario": ("scenario", SCENARIOS),
    "accelerator": ("accelerator", ACCELERATORS),
    "train.rule": ("rule", RULES),
    "strategy.name": ("strategy", STRATEGIES),
    "objective.name": ("objective", OBJECTIVES),
    "objective.costs": ("cost", COSTS),
    "search.backend": ("backend", BACKENDS),
    "precision": ("precision", PRECISIONS),
    "model": ("model", (WINNER, *MODELS, *OWN_KINDS)),
    "hand_made.models": ("model", (*MODELS, *OWN_KINDS)),
    "recipes.network": ("network", (REFERENCE, *MODELS)),
    "compare.strategies": ("strategy", STRATEGIES),
    "ignore": ("key to ignore", KEYS),
    "tables.action": ("action", ACTIONS),
    "fidelity.unit": ("unit", UNITS),
    "reproduce.parts": ("command", PARTS),
    **compression.CHOICES,
}


def check_value(one: Setting, given: Any) -> None:
    """Raises LutraError if the setting does not accept the value."""
    value = one.value(given)
    if one.key in CHOICES:
        what, names = CHOICES[one.key]
        for name in value if one.many else [value]:
            if name not in names:
                raise unknown(what, name, names)


def option_settings(strategy: str) -> Mapping[str, Setting]:
    """The strategy's own options, by name."""
    return {name: setting(f"{OPTIONS}.{name}", hint, None) for name, hint in option_hints(strategy).items()}


def options(strategy: StrategyConfig) -> dict[str, Any]:
    """The strategy's options converted to their types. Raises LutraError for an unknown option or an invalid value."""
    known = option_settings(strategy.name)
    for name in strategy.options:
        if name not in known:
            raise unknown(f"option of {strategy.name}", name, known)
    values = {name: known[name].value(given) for name, given in strategy.options.items()}
    used = default_options(strategy.name) | values
    population, tournament = used.get("population", 0), used.get("tournament", 0)
    if tournament > population:
        raise LutraError(
            f"{OPTIONS}.tournament={tournament} is more than the population's {population} members: "
            f"add {OPTIONS}.tournament={max(1, population // 2)}, or raise {OPTIONS}.population"
        )
    return values
