"""Weights as safetensors files; a network's carries its specs, so that it can be built again from the file alone."""

from __future__ import annotations

import json
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save

from experiments import artefacts
from search_spaces.errors import LutraError
from search_spaces.network import Network
from search_spaces.space import SearchSpace
from search_spaces.spec import from_json, to_json
from search_spaces.supernet import Supernet


def save_network(path: Path, network: Network) -> None:
    specs = json.dumps([to_json(spec) for spec in network.specs])
    tensors = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    artefacts.write(path, save(tensors, {"specs": specs}))


def load_network(path: Path) -> Network:
    """The network, in eval mode. Raises LutraError where the file is no such one."""
    try:
        with safe_open(path, "pt") as file:
            specs = json.loads(file.metadata()["specs"])
        network = Network([from_json(spec) for spec in specs])
        network.load_state_dict(load_file(path))
    except (LutraError, SafetensorError, OSError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise LutraError(f"{path} holds no network of ours ({str(error).splitlines()[0]})") from error
    return network.eval()


def save_supernet(path: Path, supernet: Supernet) -> None:
    artefacts.write(path, save({name: tensor.contiguous() for name, tensor in supernet.state_dict().items()}))


def load_supernet(path: Path, space: SearchSpace) -> Supernet:
    """The supernet of a space. Raises LutraError where the file is another space's."""
    supernet = Supernet(space)
    try:
        supernet.load_state_dict(load_file(path))
    except (SafetensorError, OSError, RuntimeError) as error:
        raise LutraError(f"{path} holds no supernet of {space.name} ({str(error).splitlines()[0]})") from error
    return supernet
