"""What compression is tested on: graphs, networks with non-trivial weights, and images for them."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import cache
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from search_spaces.layers import MBConv, Pointwise, Spec, Stem
from search_spaces.mbconv import Stage, mbconv_space
from search_spaces.networks.evaluation import calibrate
from search_spaces.networks.network import Network
from search_spaces.space import SearchSpace
from search_spaces.spaces.nasbench_macro import nasbench_macro
from search_spaces.spaces.tiny import tiny

TINY = tiny(1, 16, 10)
REFERENCE = TINY.decode(TINY.reference)
Model = TypeVar("Model", bound=nn.Module)


def smallest_space(in_channels: int, resolution: int, classes: int) -> SearchSpace:
    """Returns a space of 14 networks that commands take in place of `tiny`: three layers of two options each."""
    stem, stage = Stem(in_channels, 8, 2, resolution), Stage(16, 3, 2)
    return mbconv_space("tiny", (stem,), (stage,), (3,), (2, 3), 16, classes)


BARE = ("block", "shrinking", "pair")  # no stem, no head
GRAPHS: dict[str, tuple[Spec, ...]] = {
    "reference": REFERENCE,
    "smallest": TINY.decode(TINY.smallest),
    "macro": nasbench_macro(3, 8, 10).decode((0, 0, 1, 0, 2, 0, 1, 0, 0, 0)),
    "block": (Pointwise(24, 24, 1, 8), MBConv(24, 72, 24, 5, 1, 8), Pointwise(24, 24, 1, 8)),
    "shrinking": (Pointwise(16, 24, 1, 8), MBConv(24, 72, 40, 3, 2, 8), Pointwise(40, 16, 1, 4)),
    "pair": (Pointwise(16, 24, 1, 8), Pointwise(24, 16, 1, 8)),
}
SMALL = tiny(1, 8, 4)  # trains within a few steps


def images(specs: Sequence[Spec], count: int = 32) -> np.ndarray:
    """Returns noise [count, C, H, W] for a graph."""
    first = specs[0]
    shape = (count, first.in_channels, first.resolution, first.resolution)
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def pixels(count: int = 32) -> Tensor:
    """Returns noise for networks of `tiny`."""
    return torch.from_numpy(images(REFERENCE, count))


def seasoned(model: Model) -> Model:
    """Gives the model batch norms that scale and shift, as after training, and a classifier with larger weights."""
    generator = torch.Generator().manual_seed(0)
    for name, parameter in model.named_parameters():
        if parameter.ndim == 1:
            low = 0.5 if name.endswith("weight") else -0.5
            parameter.data = low + torch.rand(parameter.shape, generator=generator)
        if parameter.ndim == 2:
            parameter.data = 0.3 * torch.randn(parameter.shape, generator=generator)
    return model


def lively(specs: Sequence[Spec] = REFERENCE, calibrated_on: int = 128) -> Network:
    """Returns a network whose batch norms scale and shift, some negatively."""
    made = copy.deepcopy(_lively(tuple(specs), calibrated_on))
    torch.manual_seed(0)
    return made


@cache
def _lively(specs: tuple[Spec, ...], calibrated_on: int) -> Network:
    torch.manual_seed(0)
    network = Network(specs)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, -1.5, 1.5)
            nn.init.normal_(module.bias, std=0.3)
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=0.3)
    return calibrate(network, pixels(calibrated_on))


def small() -> Network:
    """Returns a network of three blocks, one of them residual."""
    made = copy.deepcopy(_small())
    torch.manual_seed(0)
    return made


@cache
def _small() -> Network:
    torch.manual_seed(0)
    return calibrate(Network(SMALL.decode((0, 0, 0, 0, 4, 4, 0))), batch(0)[0])


def first_block(network: Network) -> int:
    return next(index for index, spec in enumerate(network.specs) if isinstance(spec, MBConv))


def batch(step: int, count: int = 16) -> tuple[Tensor, Tensor]:
    """Returns noise for `small`, and labels."""
    draw = torch.Generator().manual_seed(step)
    return torch.randn(count, 1, 8, 8, generator=draw), torch.randint(4, (count,), generator=draw)


def nonzero(model: nn.Module) -> nn.Module:
    """Replaces zeros, such as those of the last batch norm in a residual block, by other numbers; returns the model."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            if not parameter.any():
                parameter.add_(torch.rand(parameter.shape, generator=generator) + 0.5)
    return model
