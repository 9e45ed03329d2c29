"""What Hydra reads from its store: every setting with its default, and the choices that have no file of their own."""

from __future__ import annotations

import dataclasses

from hydra.core.config_store import ConfigNode, ConfigStore
from omegaconf import DictConfig, OmegaConf

from experiments.config import Config
from experiments.config.registry import RUNTIMES, SPACES, STRATEGIES, default_options


class Schema(ConfigNode):
    """The schema in Hydra's store, made when it is read: Hydra copies its whole store for every group that it lists."""

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
    """Every setting with its default, as plain values: `checked` sees to their types."""
    made = OmegaConf.create(dataclasses.asdict(Config()))
    OmegaConf.set_struct(made.strategy.options, False)  # the strategy knows its options, and `checked` asks it
    made.sweep = module.rpartition(".")[2]
    return made


def store(module: str) -> None:
    """The schema of a command, and for each space, runtime and strategy a configuration of its name and its options."""
    hydra = ConfigStore.instance()
    hydra.repo["schema.yaml"] = Schema("schema.yaml", module)
    for name in SPACES:
        hydra.store(group="space", name=name, node={"name": name})
    for name in RUNTIMES:
        hydra.store(group="runtime", name=name, node={"library": name}, package="device")
    for name in STRATEGIES:
        hydra.store(group="strategy", name=name, node={"name": name, "options": default_options(name)})
