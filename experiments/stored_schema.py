"""Every setting with its default, as Hydra reads it from its store."""

from __future__ import annotations

import dataclasses

from hydra.core.config_store import ConfigNode
from omegaconf import DictConfig, OmegaConf

from experiments.config import Config


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
