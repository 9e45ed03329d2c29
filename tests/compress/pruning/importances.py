"""The measures of a channel's importance that pruning is tested with."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch

from compress.pruning.importance import Importances, batch_norm_scale, l1, taylor
from search_spaces.networks.network import Network
from tests.networks import pixels

LABELS = torch.arange(32) % 10


def taylor_of(network: Network) -> Importances:
    """Computes in float64: rounding could push an activation across a kink of ReLU6 and change its gradient."""
    images = pixels().double()
    return taylor(copy.deepcopy(network).double(), [(images, LABELS), (-images, LABELS)])


MEASURES: dict[str, Callable[[Network], Importances]] = {
    "batch norm scale": batch_norm_scale,
    "l1": l1,
    "taylor": taylor_of,
}
