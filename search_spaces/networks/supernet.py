"""The weight-entangled supernet: each layer holds its largest option, and the other options are masked parts of it.

First channels, central taps (Cai et al. 2020; Yu et al. 2020). An architecture slices the weights, which is fast; a
distribution over options masks them, which is differentiable: it mixes weights, not outputs. DARTS on such a supernet
is Sukthanker et al. 2024, "Weight-Entanglement Meets Gradient-Based Neural Architecture Search". Batch norm always uses
the batch's statistics here; `extract` gives a network, whose statistics `calibrate` then estimates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Union

import torch
from torch import Tensor, nn

from search_spaces.layers import Spec
from search_spaces.layers.graph import Rules, walk
from search_spaces.layers.nodes import Convolution, Linear, Weighted
from search_spaces.networks import arithmetic
from search_spaces.networks.arithmetic import ARITHMETIC
from search_spaces.networks.elastic import SHAPE, largest, region
from search_spaces.networks.network import Layer, Network, device_of
from search_spaces.networks.shared_slices import SharedSlices, first_values, normalised
from search_spaces.space import Arch, SearchSpace

Choice = Sequence[Union[int, Tensor]]  # for each layer an option's index, or a distribution [options]


class Supernet(nn.Module):
    """Every network of a space: images [N, C, H, W], and a choice -> logits [N, classes].

    Trunks share weights like options: each has the first channels. A trunk's network gets resized images, and a
    distribution over trunks mixes their logits.

    Several architectures -> [architectures, N, classes]. What they share at the beginning is computed once: whole
    layers, and in the first layer that differs, the shared channels.
    """

    def __init__(self, space: SearchSpace) -> None:
        super().__init__()
        self.space = space
        layers = nn.ModuleList(SuperLayer(options, SHAPE if space.trunks > 1 else ()) for options in space.layers)
        self.layers: Sequence[SuperLayer] = layers  # type: ignore[assignment]
        self.to(memory_format=torch.channels_last)

    def forward(self, x: Tensor, choice: Choice, *others: Arch) -> Tensor:
        if others:
            archs = [self.space.place(arch) for arch in (choice, *others)]  # type: ignore[arg-type]
            logits = self._branches(x, archs, 0)
            return torch.stack([logits[arch] for arch in archs])
        trunk = choice[0]
        if self.space.trunks == 1:
            return self._alone(x, choice, 0)
        if not isinstance(trunk, Tensor):
            return self._alone(x, choice, trunk)
        return torch.stack([p * self._alone(x, [t, *choice[1:]], t) for t, p in enumerate(trunk)]).sum(0)

    def _alone(self, x: Tensor, choice: Choice, trunk: int) -> Tensor:
        """The logits of one choice; a trunk's number is also its pick."""
        for layer, pick, part in zip(self.layers, choice, self.space.within(trunk), strict=True):
            if isinstance(pick, Tensor):
                x = layer.mix(x, pick, part)
                continue
            place = pick if layer is self.layers[0] else part.start + pick
            x = layer.branches(x, [place])[place]
        return x

    def _branches(self, x: Tensor, archs: Sequence[Arch], depth: int) -> dict[Arch, Tensor]:
        """Logits of architectures that agree in all layers before `depth`, whose input is x."""
        if depth == len(self.layers):
            return dict.fromkeys(archs, x)
        logits: dict[Arch, Tensor] = {}
        for pick, y in self.layers[depth].branches(x, [arch[depth] for arch in archs]).items():
            logits |= self._branches(y, [arch for arch in archs if arch[depth] == pick], depth + 1)
        return logits

    @torch.no_grad()
    def extract(self, arch: Arch) -> Network:
        """The network of an architecture, with a copy of its part of the weights. Skips are left out."""
        picked = [(layer, place) for layer, place in zip(self.layers, self.space.place(arch)) if layer.computes(place)]
        with device_of(self):
            network = Network([layer.options[pick] for layer, pick in picked])
        for target, (layer, pick) in zip(network.layers, picked):
            layer.copy_into(target, pick)
        return network


class SuperLayer(nn.Module):
    """All options of one layer: `largest` has the largest spec of each kind that computes something.

    Options are counted by their place in the space's list; those of several trunks differ in the fields `shape` too.
    """

    def __init__(self, options: Sequence[Spec], shape: Sequence[str] = ()) -> None:
        super().__init__()
        self.options = tuple(options)
        kinds = groupby(sorted(set(options), key=_kind), key=_kind)
        wholes = {kind: largest(list(specs), shape) for kind, specs in kinds}
        modules = nn.ModuleDict({kind: Layer(spec) for kind, spec in wholes.items() if spec.graph.nodes})
        self.largest: Mapping[str, Layer] = modules  # type: ignore[assignment]

    def computes(self, pick: int) -> bool:
        return bool(self.options[pick].graph.nodes)

    def whole(self, pick: int) -> Layer:
        """The layer whose weights contain an option's."""
        return self.largest[_kind(self.options[pick])]

    def branches(self, x: Tensor, picks: Sequence[int]) -> dict[int, Tensor]:
        """Each option's output, from slices of the largest option's weights."""
        outputs = {pick: x for pick in picks if not self.computes(pick)}
        for kind, layer in self.largest.items():
            members = {pick: self.options[pick] for pick in picks if _kind(self.options[pick]) == kind}
            if members:
                outputs |= SharedSlices(layer, members)(x)
        return outputs

    def mix(self, x: Tensor, distribution: Tensor, part: slice) -> Tensor:
        """Expected weights within each kind; kinds (Skip, Pointwise, MBConv) are summed by their probabilities.

        `part` has the trunk's options, of which there is a distribution.
        """
        output: Tensor | float = 0.0
        options = self.options[part]
        for kind in sorted({_kind(spec) for spec in options}):
            members = [index for index, spec in enumerate(options) if _kind(spec) == kind]
            share = distribution[members].sum()
            if kind not in self.largest:
                output = output + share * x
                continue
            within = distribution[members] / share.clamp_min(1e-12)
            output = output + share * Mixture(self.largest[kind], [options[m] for m in members], within)(x)
        return output  # type: ignore[return-value]

    def copy_into(self, target: Layer, pick: int) -> None:
        layer = self.whole(pick)
        for node in target.spec.graph.weighted:
            cut = region(node, layer.spec.graph.weighted_by_name[node.name])
            for small, large in zip(target.part(node).parameters(), layer.part(node).parameters()):
                small.copy_(large[cut] if large.ndim > 1 else large[cut[0]])


class Mixture:
    """Options of one kind with probabilities `within` [options], as one layer with the expected weights."""

    def __init__(self, layer: Layer, specs: Sequence[Spec], within: Tensor) -> None:
        self.layer, self.specs, self.within = layer, specs, within
        self.whole = largest(specs)

    def __call__(self, x: Tensor) -> Tensor:
        rules: Rules[Tensor] = {**ARITHMETIC, Convolution: self._convolution, Linear: self._linear}
        return walk(self.whole.graph, rules, first_values(self.whole, x), "the mixed supernet")

    def _convolution(self, node: Convolution, x: Tensor) -> Tensor:
        return normalised(self.layer.conv(node.name), node, x, self._expected(node))

    def _linear(self, node: Linear, x: Tensor) -> Tensor:
        bias = self.layer.linear_layer(node.name).bias[: node.out_features]
        return arithmetic.linear(x, self._expected(node), bias)

    def _expected(self, node: Weighted) -> Tensor:
        """The weight times sum_o p[o] * (1 where option o has a weight)."""
        weight = self.layer.weighted(node).weight[region(node, self.layer.spec.graph.weighted_by_name[node.name])]
        masks = torch.zeros(len(self.specs), *weight.shape, device=weight.device, dtype=weight.dtype)
        for mask, spec in zip(masks, self.specs):
            mask[region(spec.graph.weighted_by_name[node.name], node)] = 1
        return weight * torch.einsum("o,o...->...", self.within, masks)


def _kind(spec: Spec) -> str:
    return type(spec).__name__
