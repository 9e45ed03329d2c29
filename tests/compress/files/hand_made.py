"""Hand-made networks with random batch norms, and one of ours beside them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

import numpy as np
import torch
from torch import Tensor, nn

from compress.files.foreign import Foreign
from compress.pruning.depgraph import prune_groups
from search_spaces.networks.network import Network
from search_spaces.spaces.tiny import tiny

SHAPE = (1, 16, 16)
TINY = tiny(*SHAPE[:2], 10)
OURS: Callable[[], Network] = partial(Network, [spec for spec in TINY.decode(TINY.reference) if spec.convs])


def images(count: int = 64) -> Tensor:
    return torch.from_numpy(np.random.default_rng(0).standard_normal((count, *SHAPE)).astype(np.float32))


def network(name: str) -> nn.Module:
    """Returns the network in eval mode, with random batch norms; not calibrated, as random weights would be chaotic."""
    torch.manual_seed(0)
    made = OURS() if name == "ours" else Foreign(name, 10, SHAPE[0])
    for module in made.modules():
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=0.3)
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.1)
    return made.eval()


@cache
def pruned(name: str) -> nn.Module:
    return prune_groups(network(name), SHAPE, 0.6)
