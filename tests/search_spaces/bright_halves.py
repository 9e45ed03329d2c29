"""A supernet for small noisy images, whose label says which half is brighter."""

from __future__ import annotations

import torch
from torch import Tensor

from search_spaces.networks.supernet import Supernet
from search_spaces.spaces.tiny import tiny
from search_spaces.training.loop import Recipe

SPACE = tiny(1, 8, 2)
RECIPE = Recipe(6, 16, 0.05)


def batch(step: int) -> tuple[Tensor, Tensor]:
    """Returns noisy 8x8 images; the label says which half is brighter."""
    draw = torch.Generator().manual_seed(step)
    labels = torch.randint(2, (16,), generator=draw)
    x = torch.randn(16, 1, 8, 8, generator=draw)
    x[labels == 1, :, :, 4:] += 1.5
    x[labels == 0, :, :, :4] += 1.5
    return x, labels


def supernet() -> Supernet:
    torch.manual_seed(0)
    return Supernet(SPACE)
