"""Structured pruning: every inverted residual keeps the hidden channels that vary most.

How many (`uniform_widths`), which (`strongest`) and the narrower network (`narrow`) are apart, so that another rule,
say one that asks the device what a width costs, replaces the first alone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from search_spaces.errors import LutraError
from search_spaces.network import ConvBN, Layer, Network
from search_spaces.spec import MBConv, Spec

MULTIPLE = 8  # channels; int8 kernels work on eight at a time


def prune(network: Network, keep: float) -> Network:
    """The network with the fraction `keep` of each MBConv's hidden channels; its own copy of the weights.

    Running statistics are copied as they are: `calibrate` the result, or finetune it first.
    """
    return narrow(network, strongest(network, uniform_widths(network.specs, keep)))


def uniform_widths(specs: Sequence[Spec], keep: float) -> dict[int, int]:
    """Hidden channels of each MBConv (by layer): the fraction `keep`, rounded up to a multiple of 8, at most all."""
    if not 0 < keep <= 1:
        raise LutraError(f"pruning keeps a fraction of the channels, above 0 and at most 1, not {keep}: try 0.75")
    hidden = {layer: spec.hidden_channels for layer, spec in enumerate(specs) if isinstance(spec, MBConv)}
    return {
        layer: min(channels, max(1, -(-round(keep * channels) // MULTIPLE)) * MULTIPLE)
        for layer, channels in hidden.items()
    }


def strongest(network: Network, widths: Mapping[int, int]) -> dict[int, Tensor]:
    """The `widths[layer]` most important hidden channels of each layer, in their old order; ties keep the first."""
    order = {layer: importance(network.layers[layer]).argsort(descending=True, stable=True) for layer in widths}
    return {layer: order[layer][:width].sort().values for layer, width in widths.items()}


def importance(block: Layer) -> Tensor:
    """|scale| of the depthwise batch norm [hidden] (Liu et al. 2017, network slimming).

    It is the standard deviation that a hidden channel has over images and pixels before its ReLU6.
    """
    return block.convs[1].norm.weight.detach().abs()


@torch.no_grad()
def narrow(network: Network, kept: Mapping[int, Tensor]) -> Network:
    """The network with only the hidden channels `kept[layer]` [width] (ascending) of those MBConvs."""
    specs = list(network.specs)
    for layer, channels in kept.items():
        block = specs[layer]
        assert isinstance(block, MBConv)
        specs[layer] = dataclasses.replace(block, hidden_channels=len(channels))
    slim = Network(specs).train(network.training)
    for layer, (target, source) in enumerate(zip(slim.layers, network.layers)):
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
