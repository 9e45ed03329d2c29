"""A network of the digits."""

from __future__ import annotations

import pytest
import torch

from experiments.steps.train import calibrated
from search_spaces.networks.network import Network
from tests.compress.stages.on_digits import DATA, SPACE


@pytest.fixture(scope="module")
def network() -> Network:
    torch.manual_seed(0)
    return calibrated(Network(SPACE.decode(SPACE.smallest)), DATA)
