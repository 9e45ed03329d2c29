"""Tests the files of weights: they keep every bit, and untrusted ones are refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from experiments.store.weights import load_network, load_supernet, save_network, save_supernet
from search_spaces.errors import LutraError
from search_spaces.networks.network import Network
from search_spaces.networks.supernet import Supernet
from search_spaces.spaces.tiny import tiny

SPACE = tiny(1, 16, 10)


@pytest.fixture(scope="module")
def supernet() -> Supernet:
    torch.manual_seed(0)
    return Supernet(SPACE)


@pytest.fixture(scope="module")
def network(supernet: Supernet) -> Network:
    return supernet.extract(SPACE.reference).eval()


def test_weights_survive_their_files_bit_for_bit(supernet: Supernet, network: Network, tmp_path: Path) -> None:
    save_network(tmp_path / "network", network)
    save_supernet(tmp_path / "supernet", supernet)
    loaded = load_network(tmp_path / "network")
    assert loaded.specs == network.specs
    assert not loaded.training
    for ours, theirs in ((network, loaded), (supernet, load_supernet(tmp_path / "supernet", SPACE))):
        state, again = ours.state_dict(), theirs.state_dict()
        assert list(state) == list(again)
        assert all(torch.equal(state[name], again[name]) for name in state)
    images = torch.randn(2, 1, 16, 16)
    assert torch.equal(loaded(images), network(images))
    save_network(tmp_path / "again", loaded)
    assert (tmp_path / "again").read_bytes() == (tmp_path / "network").read_bytes()


def refuse(load: Callable[[], object], path: Path) -> None:
    with pytest.raises(LutraError, match=str(path)) as caught:
        load()
    assert "\n" not in str(caught.value)


def test_what_is_no_network_of_ours_is_refused(supernet: Supernet, network: Network, tmp_path: Path) -> None:
    path = tmp_path / "network"
    save_network(path, network)
    whole = path.read_bytes()
    other = json.dumps([{"type": "Skip", "channels": 1, "resolution": 1}]).encode()
    wrong = [whole[:cut] for cut in range(0, len(whole), len(whole) // 25)]
    wrong += [b"PK\x03\x04" + whole, whole.replace(b"MBConv", b"MBconv", 1), other, whole + b"\0"]
    for content in wrong:
        path.write_bytes(content)
        refuse(lambda: load_network(path), path)
    save_supernet(path, supernet)
    refuse(lambda: load_network(path), path)
    refuse(lambda: load_network(tmp_path / "nowhere"), tmp_path / "nowhere")


def test_a_supernet_of_another_space_is_refused(supernet: Supernet, network: Network, tmp_path: Path) -> None:
    path = tmp_path / "supernet"
    save_supernet(path, supernet)
    refuse(lambda: load_supernet(path, tiny(3, 16, 10)), path)
    refuse(lambda: load_supernet(path, tiny(1, 16, 9)), path)
    save_network(path, network)
    refuse(lambda: load_supernet(path, SPACE), path)
    refuse(lambda: load_supernet(tmp_path / "nowhere", SPACE), tmp_path / "nowhere")
