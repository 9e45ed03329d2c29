"""The spaces that tests go through, some of their architectures, and images for them."""

from __future__ import annotations

from random import Random

import pytest
import torch
from hypothesis import strategies as st
from torch import Tensor

from search_spaces.space import Arch, SearchSpace
from search_spaces.spaces.edge import edge
from search_spaces.spaces.mobile import mobile
from search_spaces.spaces.mobile_imagenet import mobile_imagenet
from search_spaces.spaces.nasbench_macro import nasbench_macro
from search_spaces.spaces.tiny import tiny

SPACES = {
    "tiny": tiny(1, 16, 10),
    "mobile": mobile(3, 32, 10),
    "mobile_imagenet": mobile_imagenet(3, 32, 7),
    "nasbench_macro": nasbench_macro(3, 8, 10),
    "edge": edge(3, 16, 10),
}
every_space = pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
some_space = st.sampled_from(list(SPACES.values()))


def archs(space: SearchSpace, draws: int = 2) -> list[Arch]:
    """Returns the corners of a space, and random architectures."""
    rng = Random(space.name)
    return [space.reference, space.largest, space.smallest, *(space.sample(rng) for _ in range(draws))]


def few(space: SearchSpace) -> list[Arch]:
    """Returns the corners and a random architecture; of a large space only the largest and that one."""
    found = archs(space, draws=1)
    return found if space.name == "tiny" else found[1::2]


def images(space: SearchSpace, count: int = 8) -> Tensor:
    first = space.layers[0][0]
    shape = (count, first.in_channels, first.resolution, first.resolution)
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))
