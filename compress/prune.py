"""Structured pruning: every inverted residual keeps its most important hidden channels.

How important (`compress.importance`), how many, which (`strongest`) and the narrower network (`narrow`) are apart. How
many is a search space of its own, `width_space`: what is kept adds over layers as latency does, so that the widths that
lose least within a latency are found exactly. `uniform_widths` and `global_widths` do not ask the device: baselines.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from compress.importance import batch_norm_scale
from search_spaces.errors import LutraError
from search_spaces.network import ConvBN, Layer, Network
from search_spaces.space import Arch, SearchSpace
from search_spaces.spec import MBConv, Skip, Spec

MULTIPLE = 8  # channels; int8 kernels work on eight at a time


def prune(network: Network, keep: float) -> Network:
    """The network with the fraction `keep` of each MBConv's hidden channels, those that vary most; a copy of weights.

    Running statistics are copied as they are: `calibrate` the result, or finetune it first.
    """
    return narrow(network, strongest(batch_norm_scale(network), uniform_widths(network.specs, keep)))


def hidden_widths(specs: Sequence[Spec]) -> dict[int, int]:
    """Hidden channels of each MBConv, by layer."""
    return {layer: spec.hidden_channels for layer, spec in enumerate(specs) if isinstance(spec, MBConv)}


def chosen_widths(space: SearchSpace, arch: Arch) -> dict[int, int]:
    """Hidden channels by layer, 0 for a block left out, of an architecture of a `width_space`: for `strongest`."""
    widths = hidden_widths(space.decode(arch))
    return {layer: widths.get(layer, 0) for layer in hidden_widths(space.decode(space.reference))}


def uniform_widths(specs: Sequence[Spec], keep: float) -> dict[int, int]:
    """Hidden channels of each MBConv (by layer): the fraction `keep`, rounded up to a multiple of 8, at most all."""
    check_keep(keep)
    return {layer: _rounded(round(keep * hidden), hidden) for layer, hidden in hidden_widths(specs).items()}


def global_widths(importances: Mapping[int, Tensor], specs: Sequence[Spec], keep: float) -> dict[int, int]:
    """Hidden channels of each MBConv: those among the fraction `keep` of all layers' channels that matter most.

    One threshold for the whole network (Liu et al. 2017, Molchanov et al. 2019); of equals the first layers' stay.
    Each layer is rounded up to a multiple of 8, at least 8 and at most all.
    """
    check_keep(keep)
    hidden = hidden_widths(specs)
    if not hidden:
        return {}
    values = torch.cat([importances[layer] for layer in hidden])
    owners = torch.cat([torch.full_like(importances[layer], layer, dtype=torch.long) for layer in hidden])
    kept = owners[values.argsort(descending=True, stable=True)[: round(keep * len(values))]]
    return {layer: _rounded(int((kept == layer).sum()), channels) for layer, channels in hidden.items()}


def width_space(specs: Sequence[Spec], most: int = 12) -> SearchSpace:
    """The networks that pruning can make, and their reference, the unpruned one.

    An MBConv has its width and narrower multiples of 8, widest first: all down to 8, or `most` of them evenly spread;
    one that adds to its input may also be left out. Any other layer has one option. Raises LutraError for no width.
    """
    if most < 1:
        raise LutraError(f"an MBConv has at least one width to choose from, not {most}")
    layers = tuple(_narrower(spec, most) if isinstance(spec, MBConv) else (spec,) for spec in specs)
    return SearchSpace("pruned_widths", layers, (0,) * len(layers))


def _narrower(block: MBConv, most: int) -> tuple[Spec, ...]:
    widths = _widths(block.hidden_channels, most)
    blocks = [dataclasses.replace(block, hidden_channels=width) for width in widths]
    return (*blocks, Skip(block.in_channels, block.resolution)) if block.residual else tuple(blocks)


def kept_importance(importances: Mapping[int, Tensor], space: SearchSpace, comparable: bool) -> np.ndarray:
    """[layers, options] of a `width_space`: the importance that the option's strongest channels have in sum.

    0 in layers that are not pruned, NaN where a layer has fewer options. Importances that are not `comparable` between
    layers (all but Taylor's) are divided by their layer's sum.
    """
    kept = np.full((len(space.layers), max(space.options)), np.nan)
    for layer, options in enumerate(space.layers):
        kept[layer, : len(options)] = 0
        if layer in importances:
            values = importances[layer].double().cpu().numpy()
            total = np.cumsum(np.sort(values)[::-1])
            whole = 1.0 if comparable or not total[-1] else total[-1]
            widths = [option.hidden_channels if isinstance(option, MBConv) else 0 for option in options]
            kept[layer, : len(options)] = [total[width - 1] / whole if width else 0 for width in widths]
    return kept


def strongest(importances: Mapping[int, Tensor], widths: Mapping[int, int]) -> dict[int, Tensor]:
    """The `widths[layer]` most important hidden channels of each layer, in their old order; ties keep the first."""
    order = {layer: importances[layer].argsort(descending=True, stable=True) for layer in widths}
    return {layer: order[layer][:width].sort().values for layer, width in widths.items()}


def check_keep(keep: float) -> None:
    if not 0 < keep <= 1:
        raise LutraError(f"pruning keeps a fraction of the channels, above 0 and at most 1, not {keep}: try 0.75")


def _rounded(channels: int, hidden: int) -> int:
    """Up to a multiple of 8, at least 8; at most all."""
    return min(hidden, max(1, -(-channels // MULTIPLE)) * MULTIPLE)


def _widths(hidden: int, most: int) -> list[int]:
    widths = [hidden, *range((hidden - 1) // MULTIPLE * MULTIPLE, 0, -MULTIPLE)]
    if len(widths) <= most:
        return widths
    return [widths[index] for index in np.linspace(0, len(widths) - 1, most).round().astype(int)]


@torch.no_grad()
def narrow(network: Network, kept: Mapping[int, Tensor]) -> Network:
    """The network with only the hidden channels `kept[layer]` [width] (ascending) of those MBConvs.

    A block that keeps none is left out, as if its residual branch were 0.
    """
    layers = [layer for layer in range(len(network.specs)) if layer not in kept or len(kept[layer])]
    specs = list(network.specs)
    for layer, channels in kept.items():
        block = specs[layer]
        assert isinstance(block, MBConv)
        assert len(channels) or block.residual
        specs[layer] = dataclasses.replace(block, hidden_channels=len(channels))
    slim = Network([specs[layer] for layer in layers]).train(network.training)
    for target, layer in zip(slim.layers, layers):
        source = network.layers[layer]
        if layer in kept:
            _copy_channels(target, source, kept[layer])
        else:
            target.load_state_dict(source.state_dict())
    return slim


def _copy_channels(target: Layer, source: Layer, channels: Tensor) -> None:
    expand, depthwise, project = source.convs
    everything = torch.arange(project.conv.out_channels, device=channels.device)
    _copy(target.convs[0], expand, expand.conv.weight[channels], channels)
    _copy(target.convs[1], depthwise, depthwise.conv.weight[channels], channels)
    _copy(target.convs[2], project, project.conv.weight[:, channels], everything)


def _copy(target: ConvBN, source: ConvBN, weight: Tensor, outputs: Tensor) -> None:
    """A weight, and the batch norm of some output channels: scale, shift, running statistics; the count as it is."""
    target.conv.weight.copy_(weight)
    norm = source.norm.state_dict()
    target.norm.load_state_dict({name: value[outputs] if value.ndim else value for name, value in norm.items()})
