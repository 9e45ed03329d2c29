"""What a stage of compression is, and what it is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch import nn

from experiments.accelerator import accelerator
from experiments.config import Config
from experiments.data.dataset import Dataset
from experiments.devices import live
from experiments.images import training_data
from experiments.steps.measure import measure_space
from experiments.steps.train import calibrated
from experiments.weights import load_network, save_network
from search_spaces.errors import LutraError
from search_spaces.network import Network
from search_spaces.space import SearchSpace

NETWORK = "network.safetensors"


@dataclass(frozen=True)
class Task:
    """What a stage works on: the network of the file `parent`, other files that it reads, the folder that it fills."""

    config: Config
    parent: Path
    inputs: Mapping[str, Path]
    folder: Path
    whole: Path | None = None  # the network that was trained from scratch, before anything was cut from it

    @property
    def data(self) -> Dataset:
        """Where the networks are."""
        return training_data(self.config)

    def load(self, path: Path) -> nn.Module:
        """A network, where torch trains and evaluates."""
        return load_network(path).to(accelerator(self.config.accelerator))

    @property
    def network(self) -> Network:
        """One of ours, which has specs; `compression.check` lets no other through to the stages that need one."""
        network = self.load(self.parent)
        assert isinstance(network, Network)
        return network

    def keep(self, network: nn.Module) -> None:
        """Saves a network with batch-norm statistics of its own."""
        save_network(self.folder / NETWORK, calibrated(network, self.data))


@dataclass(frozen=True)
class Stage:
    """`made` is what the network is called after it; `settings` all of the configuration that its result depends on.

    `needs` are the files that it reads beside its parent.
    """

    made: str
    run: Callable[[Task], None]
    settings: Callable[[Config], Mapping[str, Any]]
    needs: Callable[[Config, Path, Path], dict[str, Path]] = lambda config, root, parent: {}
    steps: Callable[[Config], int] = lambda config: 0  # of training
    last: bool = False  # whether the file that it makes is the one that is deployed


def some(config: Config, *keys: str) -> Mapping[str, Any]:
    """Parts of the compression's configuration."""
    chosen = asdict(config.compress)
    return {key: chosen[key] for key in keys}


def table_of(config: Config, space: SearchSpace) -> Path:
    """The file of a table of pruned or factorised layers, measured on the device that the search's table is of."""
    at_hand(config)
    return measure_space(config, space)


def at_hand(config: Config) -> None:
    """Raises LutraError where the search's table may be another device's than the one that is asked now."""
    if config.table is not None and config.ignore:
        raise LutraError(
            "layers that compression changes are measured on this device, and with ignore= the table may be another's: "
            "measure a table here, or choose by no device: compress.prune.rule=uniform, "
            "compress.quantize.float_layers=none or accuracy"
        )
    live(config.device)
