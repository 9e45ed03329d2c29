"""A space of four trunks, random architectures under each, and a supernet."""

from __future__ import annotations

from functools import cache
from random import Random

import torch

from search_spaces.mbconv import Stage
from search_spaces.networks.supernet import Supernet
from search_spaces.trunked import Trunk, trunked_space
from tests.networks import seasoned

TRUNKS = (Trunk(1, 1, 1), Trunk(3 / 4, 1.5, 1), Trunk(1, 1, 2), Trunk(3 / 4, 2, "patches"))
SPACE = trunked_space("few", (3, 16), TRUNKS, 8, (Stage(16, 2, 2),), 16, 5)


def archs(draws: int = 3) -> list[tuple[int, ...]]:
    """Returns random architectures under every trunk."""
    rng = Random(0)
    return [SPACE.canonical((trunk, *SPACE.sample(rng)[1:])) for trunk in range(SPACE.trunks) for _ in range(draws)]


def images(count: int = 8) -> torch.Tensor:
    return torch.randn(count, 3, 16, 16, generator=torch.Generator().manual_seed(0))


@cache
def supernet() -> Supernet:
    torch.manual_seed(0)
    return seasoned(Supernet(SPACE))
