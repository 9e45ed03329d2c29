"""The entangled supernet: each layer holds its largest option; every other option is that one seen through a mask.

First channels, central taps (Cai et al. 2020; Yu et al. 2020). An architecture slices the weights, which is fast; a
distribution over options masks them, which is differentiable: weights are mixed, not outputs, and DARTS on that is
Sukthanker et al. 2024, "Weight-Entanglement Meets Gradient-Based Neural Architecture Search". Batch norm always uses
the batch's statistics here; `extract` gives a network whose own statistics `calibrate` then estimates.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Union

import torch
from torch import Tensor, nn

from search_spaces.batch_norm import batch_norm
from search_spaces.channels import first_channels
from search_spaces.convolution import conv2d
from search_spaces.network import Classifier, ConvBN, Layer, Network, build, device_of
from search_spaces.space import Arch, SearchSpace
from search_spaces.spec import Conv, MBConv, Skip, Spec

Slices = tuple[slice, ...]
Choice = Sequence[Union[int, Tensor]]  # picks, or one distribution [options] per layer


class Supernet(nn.Module):
    """Every network of a space at once: images [N, C, H, W], and a choice -> logits [N, classes].

    Several architectures -> [architectures, N, classes]. What they begin with alike is computed once: whole layers,
    and in the layer where they part, the channels that they share.
    """

    def __init__(self, space: SearchSpace) -> None:
        super().__init__()
        self.space = space
        layers = nn.ModuleList(SuperLayer(options) for options in space.layers)
        self.layers: Sequence[SuperLayer] = layers  # type: ignore[assignment]
        self.to(memory_format=torch.channels_last)

    def forward(self, x: Tensor, choice: Choice, *others: Arch) -> Tensor:
        if others:
            archs: list[Arch] = [choice, *others]  # type: ignore[list-item]
            logits = self._branches(x, archs, 0)
            return torch.stack([logits[arch] for arch in archs])
        for layer, pick in zip(self.layers, choice, strict=True):
            x = layer.mix(x, pick) if isinstance(pick, Tensor) else layer.branches(x, [pick])[pick]
        return x

    def _branches(self, x: Tensor, archs: Sequence[Arch], depth: int) -> dict[Arch, Tensor]:
        """Logits of architectures that are alike up to layer `depth`, whose input is x."""
        if depth == len(self.layers):
            return dict.fromkeys(archs, x)
        logits: dict[Arch, Tensor] = {}
        for pick, y in self.layers[depth].branches(x, [arch[depth] for arch in archs]).items():
            logits |= self._branches(y, [arch for arch in archs if arch[depth] == pick], depth + 1)
        return logits

    @torch.no_grad()
    def extract(self, arch: Arch) -> Network:
        """The network of an architecture, with its own copy of its share of the weights. Skips are left out."""
        picked = [(layer, pick) for layer, pick in zip(self.layers, self.space.check(arch)) if layer.computes(pick)]
        with device_of(self):
            network = Network([layer.options[pick] for layer, pick in picked])
        for target, (layer, pick) in zip(network.layers, picked):
            layer.copy_into(target, pick)
        return network


class SuperLayer(nn.Module):
    """All options of one layer: for each kind of spec, the largest of it. `largest` maps a kind to its module."""

    def __init__(self, options: Sequence[Spec]) -> None:
        super().__init__()
        self.options = tuple(options)
        kinds = groupby(sorted(set(options), key=_kind), key=_kind)
        largest = {kind: _largest(list(specs)) for kind, specs in kinds if kind != "Skip"}
        modules = nn.ModuleDict({kind: build(spec) for kind, spec in largest.items()})
        self.largest: Mapping[str, Layer] = modules  # type: ignore[assignment]
        self.regions = [
            [_region(part, whole) for part, whole in zip(spec.convs, largest[_kind(spec)].convs)] if spec.convs else []
            for spec in self.options
        ]

    def computes(self, pick: int) -> bool:
        return not isinstance(self.options[pick], Skip)

    def branches(self, x: Tensor, picks: Sequence[int]) -> dict[int, Tensor]:
        """Each option's output, from slices of the largest option's weights."""
        outputs = {pick: x for pick in picks if not self.computes(pick)}
        for kind, layer in self.largest.items():
            members = [pick for pick in picks if _kind(self.options[pick]) == kind]
            for pick, y in self._convolved(layer, 0, x, members).items():
                outputs[pick] = _finished(layer, x, y)
        return outputs

    def _convolved(self, layer: Layer, index: int, x: Tensor, picks: Sequence[int]) -> dict[int, Tensor]:
        """What options' convolutions from `index` on make of the first channels of x.

        Those that differ in their width alone are one: the widest, whose first channels are the others' output.
        """
        if index == len(layer.convs):
            return dict.fromkeys(picks, x)
        convs = {pick: self.options[pick].convs[index] for pick in picks}
        alike: dict[tuple[int, int], list[int]] = {}
        for pick, conv in convs.items():
            alike.setdefault((conv.kernel, conv.in_channels // conv.groups), []).append(pick)
        widest = [max(members, key=lambda pick: convs[pick].out_channels) for members in alike.values()]
        inputs = first_channels(x, [convs[pick].in_channels for pick in widest])
        outputs: dict[int, Tensor] = {}
        for pick, y, members in zip(widest, inputs, alike.values()):
            own = layer.convs[index]
            y = _normalised(own, y, own.conv.weight[self.regions[pick][index]])
            outputs |= self._convolved(layer, index + 1, y, members)
        return outputs

    def mix(self, x: Tensor, distribution: Tensor) -> Tensor:
        """Expected weights of each kind of option; kinds (Skip, Pointwise, MBConv) add by their probability."""
        output: Tensor | float = 0.0
        for kind in sorted({_kind(spec) for spec in self.options}):
            members = [index for index, spec in enumerate(self.options) if _kind(spec) == kind]
            share = distribution[members].sum()
            if kind == "Skip":
                output = output + share * x
                continue
            within = distribution[members] / share.clamp_min(1e-12)
            layer = self.largest[kind]
            weights = [conv.conv.weight * self._mask(i, conv, members, within) for i, conv in enumerate(layer.convs)]
            y = x
            for conv, weight in zip(layer.convs, weights):
                y = _normalised(conv, y, weight)
            output = output + share * _finished(layer, x, y)
        return output  # type: ignore[return-value]

    def _mask(self, index: int, conv: ConvBN, members: list[int], within: Tensor) -> Tensor:
        """sum_o p[o] * (1 where option o has a weight), the shape of the largest option's weight."""
        weight = conv.conv.weight
        regions = [self.regions[member][index] for member in members]
        masks = torch.zeros(len(regions), *weight.shape, device=weight.device, dtype=weight.dtype)
        for mask, region in zip(masks, regions):
            mask[region] = 1
        return torch.einsum("o,oabcd->abcd", within, masks)

    def copy_into(self, target: Layer, pick: int) -> None:
        layer = self.largest[_kind(self.options[pick])]
        for small, large, region in zip(target.convs, layer.convs, self.regions[pick]):
            small.conv.weight.copy_(large.conv.weight[region])
            small.norm.weight.copy_(large.norm.weight[region[0]])
            small.norm.bias.copy_(large.norm.bias[region[0]])
        if isinstance(layer, Classifier) and isinstance(target, Classifier):
            target.linear.load_state_dict(layer.linear.state_dict())


def _normalised(conv: ConvBN, x: Tensor, weight: Tensor) -> Tensor:
    """A convolution with another weight than its own, batch norm with the batch's statistics, and its activation."""
    out, norm = weight.shape[0], conv.norm
    y = conv2d(x, weight, conv.conv.stride[0], out if conv.conv.groups > 1 else 1)
    return conv.activation(batch_norm(y, norm.weight[:out], norm.bias[:out], norm.eps))


def _finished(layer: Layer, x: Tensor, y: Tensor) -> Tensor:
    """What follows a layer's convolutions, which made y of x."""
    if isinstance(layer, Classifier):
        return layer.classify(y)
    return x + y if layer.residual else y


def _kind(spec: Spec) -> str:
    return type(spec).__name__


def _largest(specs: list[Spec]) -> Spec:
    """The spec that contains all others: for MBConv the widest hidden layer and the largest kernel."""
    widest = specs[0]
    for spec in specs:
        if isinstance(spec, MBConv) and isinstance(widest, MBConv):
            hidden = max(spec.hidden_channels, widest.hidden_channels)
            widest = dataclasses.replace(widest, hidden_channels=hidden, kernel=max(spec.kernel, widest.kernel))
    return widest


def _region(part: Conv, whole: Conv) -> Slices:
    """Where a smaller convolution's weight lies in the larger one's: first channels, central taps."""
    border = (whole.kernel - part.kernel) // 2
    taps = slice(border, border + part.kernel)
    return slice(part.out_channels), slice(part.in_channels // part.groups), taps, taps
