"""The interface of the stages of compression."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from torch import nn

from experiments.compute.accelerator import accelerator
from experiments.config import Config
from experiments.data.dataset import Dataset
from experiments.setup.devices import live
from experiments.setup.images import placed
from experiments.stages.settings import Stage as Settings
from experiments.steps.plan import Plan
from experiments.steps.train import calibrated
from experiments.store.step import Means
from experiments.store.weights import load_network, save_network
from search_spaces.errors import LutraError
from search_spaces.networks.network import Network
from search_spaces.space import SearchSpace

NETWORK = "network.safetensors"
S = TypeVar("S", bound=Settings)


@dataclass(frozen=True)
class Task(Generic[S]):
    """A stage's input: its settings, the network file `parent`, other files, and the folder to fill."""

    settings: S
    means: Means
    parent: Path
    inputs: Mapping[str, Path]
    folder: Path

    @property
    def data(self) -> Dataset:
        """The images, on the device of the networks."""
        return placed(self.settings.data.at(self.means), self.settings.accelerator)

    def load(self, path: Path) -> nn.Module:
        """A network, on the device where torch trains and evaluates."""
        return load_network(path).to(accelerator(self.settings.accelerator))

    @property
    def network(self) -> Network:
        """The parent as a `Network`, which has specs; `compression.check` ensures that it is one."""
        network = self.load(self.parent)
        assert isinstance(network, Network)
        return network

    def keep(self, network: nn.Module) -> None:
        """Saves a network after recomputing its batch-norm statistics."""
        save_network(self.folder / NETWORK, calibrated(network, self.data))


@dataclass(frozen=True)
class Stage:
    """`made` is the name of the resulting network, `needs` the files that it reads besides its parent."""

    made: str
    run: Callable[[Task[Any]], None]
    needs: Callable[[Plan, Path, Path], dict[str, Path]] = lambda plan, root, parent: {}
    steps: Callable[[Config], int] = lambda config: 0  # of training
    last: bool = False  # whether its file is the deployed one


def table_of(plan: Plan, space: SearchSpace) -> Path:
    """The file of a table of pruned or factorised layers, measured on the same device as the search's table."""
    at_hand(plan.config)
    return plan.table_of(space)


def at_hand(config: Config) -> None:
    """Raises LutraError if the search's table may be another device's than the current one."""
    if config.table is not None and config.ignore:
        raise LutraError(
            "layers that compression changes are measured on this device, but with ignore= the table may be another's: "
            "measure a table here, or choose without a device: compress.prune.rule=uniform, "
            "compress.quantize.float_layers=none or accuracy"
        )
    live(config.device)
