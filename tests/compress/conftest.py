"""The network that compression is tested on, its file, and the ranges of its activations."""

from __future__ import annotations

from functools import cache

import pytest

from compress.quantization.calibration import Ranges, activation_ranges
from search_spaces.networks.network import Network
from search_spaces.networks.onnx_writer import write
from tests.networks import REFERENCE, images, lively


@pytest.fixture
def network() -> Network:
    return lively()


@pytest.fixture
def ranges(model: bytes) -> Ranges:
    """The ranges of its activations on 32 images."""
    return _ranges_of(model)


@cache
def _ranges_of(model: bytes) -> Ranges:
    return activation_ranges(model, images(REFERENCE))


@pytest.fixture
def model(network: Network) -> bytes:
    return write(network.specs, network.folded())
