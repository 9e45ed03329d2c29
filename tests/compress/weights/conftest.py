"""The network whose weights are cut and shared."""

from __future__ import annotations

import pytest

from search_spaces.networks.network import Network
from tests.networks import small


@pytest.fixture
def network() -> Network:
    return small()
