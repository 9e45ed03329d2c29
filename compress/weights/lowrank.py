"""Low rank: a 1x1 convolution becomes two with fewer channels between (Denton et al. 2014; Jaderberg et al. 2014).

W ~ (W V') V, where V [rank, in] holds the first right singular vectors of W as deployed, with its batch norm folded in:
the best approximation of that rank (Eckart & Young 1936). In this form the outer convolution keeps the batch norm, and
the inner one has none: the network can be trained further, and `calibrate` updates its statistics.

Fewer multiplications do not always take less time, so `low_rank_space` has both forms of each layer for timing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from search_spaces.errors import LutraError
from search_spaces.layers import Spec
from search_spaces.layers.low_rank import FACTORISED, inner_of
from search_spaces.networks.network import ConvBN, Layer, Network, device_of
from search_spaces.space import SearchSpace

MULTIPLE = 8  # channels; int8 kernels process eight at a time
Ranks = tuple[int, ...]  # one per convolution named in `FACTORISED`: (expand, project), or (convolution,)


@torch.no_grad()
def lowrank(network: Network, ranks: Mapping[int, Ranks]) -> Network:
    """The network with the layers of `ranks` factorised, and its own copy of the weights.

    A rank of at least min(in, out) leaves its convolution whole. Raises LutraError if the number of ranks does not fit.
    """
    specs = tuple(low_rank(spec, ranks[layer]) if layer in ranks else spec for layer, spec in enumerate(network.specs))
    with device_of(network):
        factorised = Network(specs).train(network.training)
    for target, source in zip(factorised.layers, network.layers):
        _copy(target, source)
    return factorised


def energy_ranks(network: Network, energy: float) -> dict[int, Ranks]:
    """The smallest ranks, multiples of 8, that keep the fraction `energy` of each convolution's `energies`.

    A convolution that would not have fewer multiplications keeps its full rank; layers with only such ones are omitted.
    """
    if not 0 < energy <= 1:
        raise LutraError(f"the fraction of energy to keep must be above 0 and at most 1, not {energy}: try 0.95")
    ranks = {}
    for layer, (spec, block) in enumerate(zip(network.specs, network.layers)):
        chosen = tuple(_rank(block.conv(name), energy) for name in _places(spec))
        if chosen and low_rank(spec, chosen) != spec:
            ranks[layer] = chosen
    return ranks


def low_rank_space(specs: Sequence[Spec], ranks: Mapping[int, Ranks]) -> SearchSpace:
    """Each layer in `ranks` whole (option 0, the reference) or factorised (option 1); other layers have one option.

    `lowrank(network, {layer: ranks[layer] for layer, pick in enumerate(arch) if pick})` is an architecture's network.
    """
    layers = [(spec, low_rank(spec, ranks[layer])) if layer in ranks else (spec,) for layer, spec in enumerate(specs)]
    return SearchSpace("low_rank", tuple(tuple(dict.fromkeys(options)) for options in layers), (0,) * len(layers))


def low_rank(spec: Spec, ranks: Ranks) -> Spec:
    """A factorised layer; the layer itself if every rank is full. Raises LutraError if `ranks` do not fit it."""
    places = _places(spec)
    if not places or len(ranks) != len(places) or min(ranks) < 1:
        raise LutraError(
            f"{spec} has {len(places)} convolutions to factorise, each at a rank of 1 or more, not {ranks}"
        )
    convs = [spec.graph.weighted_by_name[name].weight_shape for name in places]
    full = tuple(min(outputs, inputs) for outputs, inputs, *_ in convs)
    least = tuple(map(min, ranks, full))
    if least == full:
        return spec
    return FACTORISED[type(spec)][0](*dataclasses.astuple(spec), *least)


def _places(spec: Spec) -> tuple[str, ...]:
    """The 1x1 convolutions of a layer that can be factorised."""
    return FACTORISED[type(spec)][1] if type(spec) in FACTORISED else ()


def energies(values: Tensor) -> Tensor:
    """[n]: the fraction of the energy (sum of squared singular values [n]) in the first 1, 2, ... n of them."""
    squares = values**2
    return squares.cumsum(0) / squares.sum()


def decomposed(convolution: ConvBN) -> tuple[Tensor, Tensor]:
    """Singular values [n], descending, and right singular vectors [n, in] of a 1x1 weight, batch norm folded in."""
    weight = torch.from_numpy(convolution.folded()[0]).flatten(1).double()
    _, values, vectors = torch.linalg.svd(weight, full_matrices=False)
    return values, vectors


def _rank(convolution: ConvBN, energy: float) -> int:
    outputs, inputs = convolution.conv.weight.shape[:2]
    enough = int((energies(decomposed(convolution)[0]) < energy).sum()) + 1
    rank = -(-enough // MULTIPLE) * MULTIPLE
    return rank if rank * (inputs + outputs) < inputs * outputs else min(inputs, outputs)


def _copy(target: Layer, source: Layer) -> None:
    for node in source.spec.graph.weighted:
        part, inner = source.part(node), inner_of(node.name)
        if inner in target.numbers and isinstance(part, ConvBN):
            _factorise(target.conv(inner), target.conv(node.name), part)
        else:
            target.part(node).load_state_dict(part.state_dict())


def _factorise(inner: ConvBN, outer: ConvBN, source: ConvBN) -> None:
    weight = source.conv.weight.flatten(1).double().cpu()
    vectors = decomposed(source)[1][: inner.conv.out_channels]
    inner.conv.weight.copy_(vectors[:, :, None, None])
    outer.conv.weight.copy_((weight @ vectors.T)[:, :, None, None])
    outer.norm.load_state_dict(source.norm.state_dict())
