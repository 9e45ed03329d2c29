"""What Hydra reads from its store: all settings with defaults, and the choices without a YAML file."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import hydra
from hydra.core.config_store import ConfigNode, ConfigStore
from omegaconf import DictConfig, OmegaConf

from experiments.config import Config
from experiments.config.registry import RUNTIMES, SPACES, STRATEGIES, default_options

FROM_1_4 = tuple(int(part) for part in hydra.__version__.split(".")[:2]) >= (1, 4)  # it warns of two old keywords
VERSION_BASE: Mapping[str, str] = {} if FROM_1_4 else {"version_base": "1.3"}
REGISTER: Callable[..., None] = OmegaConf.register_resolver if FROM_1_4 else OmegaConf.register_new_resolver


class Stored(dict[str, Any]):
    """Hydra's store, shared by its copies: Hydra copies it for every composition, but only reads the copy."""

    def __deepcopy__(self, memo: object) -> Stored:
        return self


def schema(module: str) -> DictConfig:
    """All settings with defaults, as plain values; `checked` converts them to their types."""
    made = OmegaConf.create(dataclasses.asdict(Config()))
    OmegaConf.set_struct(made.strategy.options, False)  # `checked` validates them against the strategy
    made.sweep = module.rpartition(".")[2]
    return made


def store(module: str) -> None:
    """Stores a command's schema, and a configuration for each space, runtime and strategy."""
    stored = ConfigStore.instance()
    stored.repo = Stored(stored.repo)
    stored.repo["schema.yaml"] = ConfigNode("schema.yaml", schema(module), group=None, package=None, provider=None)
    for name in SPACES:
        stored.store(group="space", name=name, node={"name": name})
    for name in RUNTIMES:
        stored.store(group="runtime", name=name, node={"library": name}, package="device")
    for name in STRATEGIES:
        stored.store(group="strategy", name=name, node={"name": name, "options": default_options(name)})
