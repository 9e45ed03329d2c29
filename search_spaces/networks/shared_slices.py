"""Computes several options of one layer in one pass, with weights sliced from the largest option's.

The second axis of a value holds channels, which only convolutions and linear layers mix. So if the values of several
options differ only in their number of channels, the widest one is computed once; the others are its first channels. It
is cut where the options' paths separate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from search_spaces.layers import Spec
from search_spaces.layers.graph import Rules, rule_of, walk
from search_spaces.layers.nodes import INPUT, Convolution, Linear, Node, Reshape, Weighted
from search_spaces.networks import arithmetic
from search_spaces.networks.arithmetic import ARITHMETIC
from search_spaces.networks.batch_norm import batch_norm
from search_spaces.networks.channels import first_channels
from search_spaces.networks.convolution import conv2d
from search_spaces.networks.elastic import Slices, region
from search_spaces.networks.network import ConvBN, Layer
from search_spaces.networks.resizing import resized

NAME = "the sliced supernet"
Values = dict[int, Tensor]  # by option; several may share the tensor of the widest


class SharedSlices:
    """The options `specs` of a layer, whose weights are slices of those of `whole`."""

    def __init__(self, whole: Layer, specs: Mapping[int, Spec]) -> None:
        self.whole, self.specs = whole, specs
        self.rules: Rules[Tensor] = {**ARITHMETIC, Convolution: self._convolution, Linear: self._linear}

    def __call__(self, x: Tensor) -> Values:
        """Each option's output."""
        if len(self.specs) == 1:
            return {
                pick: walk(spec.graph, self.rules, first_values(spec, x), NAME) for pick, spec in self.specs.items()
            }
        graph = self.whole.spec.graph
        sizes = {spec.resolution: first_values(spec, x) for spec in self.specs.values()}
        values: dict[str, Values] = {INPUT: {pick: sizes[spec.resolution] for pick, spec in self.specs.items()}}
        for node, released in zip(graph.nodes, graph.released):
            values[node.name] = self._node(node, [values[name] for name in node.inputs])
            for name in released:
                del values[name]
        last = values[graph.output]
        return dict(zip(last, self._cut(graph.output, last, list(last))))

    def _node(self, node: Node, inputs: Sequence[Values]) -> Values:
        """A node's value for each option, computed once for options that can share it."""
        alike: dict[Any, list[int]] = {}
        for pick, spec in self.specs.items():
            own = spec.graph.by_name[node.name]
            key = (*(id(values[pick]) for values in inputs), _key(own))
            alike.setdefault(key, []).append(pick)
        widest = [max(members, key=lambda pick: self._width(pick, node.name)) for members in alike.values()]
        cut = [self._cut(name, values, widest) for name, values in zip(node.inputs, inputs)]
        outputs: Values = {}
        for place, (pick, members) in enumerate(zip(widest, alike.values())):
            own = self.specs[pick].graph.by_name[node.name]
            y = rule_of(self.rules, own, NAME)(own, *[tensors[place] for tensors in cut])
            outputs.update(dict.fromkeys(members, y))
        return outputs

    def _width(self, pick: int, name: str) -> int:
        return self.specs[pick].shapes[name][0]

    def _cut(self, name: str, values: Values, picks: Sequence[int]) -> list[Tensor]:
        """The first channels of a value for each option; options with the same tensor are cut together."""
        found: dict[int, Tensor] = {}
        for tensor in {id(values[pick]): values[pick] for pick in picks}.values():
            users = [pick for pick in picks if values[pick] is tensor]
            found.update(zip(users, first_channels(tensor, [self._width(pick, name) for pick in users])))
        return [found[pick] for pick in picks]

    def _convolution(self, node: Convolution, x: Tensor) -> Tensor:
        conv = self.whole.conv(node.name)
        return normalised(conv, node, x, conv.conv.weight[self._region(node)])

    def _linear(self, node: Linear, x: Tensor) -> Tensor:
        layer, cut = self.whole.linear_layer(node.name), self._region(node)
        return arithmetic.linear(x, layer.weight[cut], layer.bias[cut[0]])

    def _region(self, node: Weighted) -> Slices:
        return region(node, self.whole.spec.graph.weighted_by_name[node.name])


def _key(node: Node) -> Any:
    """What nodes must have in common, besides their inputs, to differ only in width."""
    if isinstance(node, Convolution):
        return node.kernel, node.stride, node.in_channels // node.groups
    if isinstance(node, Linear):
        return node.in_features
    return node.shape[1:] if isinstance(node, Reshape) else node


def first_values(spec: Spec, x: Tensor) -> Tensor:
    """A layer's input; images in the size that a stem takes."""
    return resized(x, spec.resolution) if spec.takes_image else x


def normalised(conv: ConvBN, node: Convolution, x: Tensor, weight: Tensor) -> Tensor:
    """A convolution with the given weight, batch norm with the batch's statistics, and the activation."""
    out, norm = weight.shape[0], conv.norm
    y = conv2d(x, weight, node.stride, out if node.depthwise else 1)
    if isinstance(norm, nn.BatchNorm2d):
        y = batch_norm(y, norm.weight[:out], norm.bias[:out], norm.eps)
    return conv.activation(y)
