"""The input of a stage of compression, and its work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from torch import nn

from experiments.compute.accelerator import accelerator
from experiments.data.dataset import Dataset
from experiments.setup.images import placed
from experiments.stages import STAGES
from experiments.stages.inputs import NETWORK
from experiments.stages.settings import Stage as Settings
from experiments.steps.train import calibrated, prepare
from experiments.store.step import Means
from experiments.store.weights import load_network, save_network
from search_spaces.networks.network import Network

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


def work(settings: Settings, files: Mapping[str, Path], means: Means, folder: Path) -> None:
    """Turns the network in the file `parent` into another one, or into the deployed file."""
    prepare(settings.threads, settings.seed)
    inputs = {name: path for name, path in files.items() if name != "parent"}
    STAGES[settings.stage].run(Task(settings, means, files["parent"], inputs, folder))
