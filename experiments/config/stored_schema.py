"""What Hydra reads from its store: all settings with defaults, and the choices without a YAML file."""

from __future__ import annotations

import dataclasses

from hydra.core.config_store import ConfigNode, ConfigStore
from omegaconf import DictConfig, OmegaConf

from experiments.config import Config
from experiments.config.registry import RUNTIMES, SPACES, STRATEGIES, default_options


class Schema(ConfigNode):
    """The schema in Hydra's store, created when read, because Hydra copies its store for every group that it lists."""

    def __init__(self, name: str, module: str) -> None:
        self.name, self.module = name, module
        self.group = self.package = self.provider = None

    @property
    def node(self) -> DictConfig:
        return self.__dict__.get("read") or schema(self.module)

    @node.setter
    def node(self, read: DictConfig) -> None:
        self.__dict__["read"] = read


def schema(module: str) -> DictConfig:
    """All settings with defaults, as plain values; `checked` converts them to their types."""
    made = OmegaConf.create(dataclasses.asdict(Config()))
    OmegaConf.set_struct(made.strategy.options, False)  # `checked` validates them against the strategy
    made.sweep = module.rpartition(".")[2]
    return made


def store(module: str) -> None:
    """Stores a command's schema, and a configuration for each space, runtime and strategy."""
    hydra = ConfigStore.instance()
    hydra.repo["schema.yaml"] = Schema("schema.yaml", module)
    for name in SPACES:
        hydra.store(group="space", name=name, node={"name": name})
    for name in RUNTIMES:
        hydra.store(group="runtime", name=name, node={"library": name}, package="device")
    for name in STRATEGIES:
        hydra.store(group="strategy", name=name, node={"name": name, "options": default_options(name)})
