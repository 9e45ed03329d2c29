"""Examples of every kind of layer, smaller versions of them, and networks that contain them."""

from __future__ import annotations

import copy
import dataclasses
from functools import cache

import pytest
import torch
from torch import Tensor

from search_spaces.layers import KINDS, Head, Skip, Spec, Stem
from search_spaces.networks.evaluation import calibrate
from search_spaces.networks.network import Network
from search_spaces.networks.supernet import Supernet
from search_spaces.space import SearchSpace
from tests.networks import seasoned

PIXELS, CLASSES = 6, 5
VALUES = {"in_channels": 16, "channels": 16, "hidden_channels": 32, "out_channels": 16, "heads": 4, "kernel": 5}
VALUES |= {"stride": 1, "resolution": PIXELS, "classes": CLASSES}  # other numbers are 8
CHANGING = {"stride": 2, "out_channels": 24, "resolution": PIXELS + 1}


def example(kind: type[Spec], **values: int) -> Spec:
    """Returns a layer of a kind, whatever its fields."""
    known = VALUES | values
    return kind(**{field.name: known.get(field.name, 8) for field in dataclasses.fields(kind)})


EXAMPLES = list(dict.fromkeys(spec for kind in KINDS.values() for spec in (example(kind), example(kind, **CHANGING))))
COMPUTING = [spec for spec in EXAMPLES if spec.graph.nodes]
every_kind = pytest.mark.parametrize("spec", COMPUTING, ids=str)


def options(spec: Spec) -> list[Spec]:
    """Returns the layer and smaller ones: in each elastic number, and in all of them."""
    smaller = {name: 3 if name == "kernel" else getattr(spec, name) // 2 for name in spec.elastic}
    single = [dataclasses.replace(spec, **{name: value}) for name, value in smaller.items()]
    return list(dict.fromkeys([spec, *single, dataclasses.replace(spec, **smaller)]))


def around(spec: Spec) -> tuple[Spec, ...]:
    """Returns a network of a stem, the layer and a head."""
    stem = Stem(3, spec.in_channels, 1, spec.resolution)
    return stem, spec, *([] if spec.classifies else [Head(spec.out_channels, 16, CLASSES, spec.out_resolution)])


def space_of(spec: Spec) -> SearchSpace:
    stem, _, *head = around(spec)
    skip = [Skip(spec.in_channels, spec.resolution)] if spec.residual else []
    layers = ((stem,), (*options(spec), *skip), *((layer,) for layer in head))
    return SearchSpace("one_layer", layers, (0,) * len(layers))


def images(spec: Spec, count: int = 8) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(count, 3, spec.resolution, spec.resolution, generator=generator)


@cache
def _trained(spec: Spec) -> Network:
    torch.manual_seed(0)
    return calibrate(seasoned(Network(around(spec))), images(spec, 64))


def trained(spec: Spec) -> Network:
    return copy.deepcopy(_trained(spec))


@cache
def _supernet(spec: Spec) -> Supernet:
    torch.manual_seed(0)
    return seasoned(Supernet(space_of(spec)))


def supernet_of(spec: Spec) -> Supernet:
    return copy.deepcopy(_supernet(spec))


def every_arch(space: SearchSpace) -> list[tuple[int, ...]]:
    return [(0, pick, *(0,) * (len(space.layers) - 2)) for pick in range(space.options[1])]
