"""Weights as safetensors files; a network's file contains its layers, so the network can be rebuilt from it alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import load_file, save
from torch import nn

from compress.files.foreign import Foreign, shape_like
from compress.pruning.depgraph import Regrouped
from experiments.store import artefacts
from experiments.store.network_specs import DAMAGES, first_line, parsed
from search_spaces.errors import LutraError
from search_spaces.layers.json_specs import to_json
from search_spaces.networks.network import Network
from search_spaces.networks.supernet import Supernet
from search_spaces.space import SearchSpace


def save_network(path: Path, network: nn.Module) -> None:
    """Saves a `Network`, or a `Foreign` network, possibly pruned."""
    tensors = {name: tensor.cpu().contiguous() for name, tensor in network.state_dict().items()}
    artefacts.write(path, save(tensors, _metadata(network)))


def _metadata(network: nn.Module) -> dict[str, str]:
    if isinstance(network, Network):
        return {"specs": json.dumps([to_json(spec) for spec in network.specs])}
    if isinstance(network, Regrouped):
        return {"regrouped": json.dumps([to_json(spec) for spec in network.specs])}
    assert isinstance(network, Foreign)
    return {
        "model": network.name,
        "classes": str(network.classes),
        "in_channels": str(network.in_channels),
    }


def load_network(path: Path) -> nn.Module:
    """The network, in eval mode. Raises LutraError if the file does not contain one."""
    try:
        with safe_open(path, "pt") as file:
            network = _built(file.metadata())
        tensors = load_file(path)
        if not isinstance(network, Network):
            shape_like(network, tensors)
        network.load_state_dict(tensors)
    except DAMAGES as error:
        raise LutraError(f"{path} does not contain a network made by Lutra ({first_line(error)})") from error
    return network.eval()


def _built(metadata: Mapping[str, str]) -> nn.Module:
    if "specs" in metadata:
        return Network(parsed(metadata["specs"]))
    if "regrouped" in metadata:
        return Regrouped(Network(parsed(metadata["regrouped"])))
    return Foreign(metadata["model"], int(metadata["classes"]), int(metadata["in_channels"]))


def save_supernet(path: Path, supernet: Supernet) -> None:
    artefacts.write(path, save({name: tensor.cpu().contiguous() for name, tensor in supernet.state_dict().items()}))


def load_supernet(path: Path, space: SearchSpace) -> Supernet:
    """The supernet of a space. Raises LutraError if the file does not contain it."""
    supernet = Supernet(space)
    try:
        supernet.load_state_dict(load_file(path))
    except DAMAGES as error:
        raise LutraError(f"{path} does not contain a supernet of {space.name} ({first_line(error)})") from error
    return supernet
