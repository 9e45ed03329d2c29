"""The supernet of `mobile` as a user of once-for-all would build it: a stack of its `DynamicMBConvLayer`.

Central taps and first channels as in ours (without its kernel transformation), and the same weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from search_spaces.layers import MBConv
from search_spaces.layers.nodes import Convolution
from search_spaces.networks.network import ConvBN, Layer
from search_spaces.networks.supernet import Supernet
from search_spaces.space import Arch, SearchSpace
from search_spaces.training.loop import Backward
from search_spaces.training.rules.sandwich import networks


class OfaSupernet(nn.Module):
    """The same networks as `ours`, with the same weights: images [N, 3, H, W], architecture -> logits."""

    def __init__(self, ours: Supernet) -> None:
        from ofa.imagenet_classification.elastic_nn.modules.dynamic_layers import DynamicMBConvLayer
        from ofa.imagenet_classification.elastic_nn.modules.dynamic_op import DynamicSeparableConv2d
        from ofa.utils.layers import ConvLayer, IdentityLayer, ResidualBlock

        super().__init__()
        DynamicSeparableConv2d.KERNEL_TRANSFORM_MODE = None
        self.space = ours.space
        blocks = []
        for layer in ours.layers[1:-1]:
            specs = [spec for spec in layer.options if isinstance(spec, MBConv)]
            first = specs[0]
            ratios = sorted({spec.hidden_channels // spec.in_channels for spec in specs})
            kernels = sorted({spec.kernel for spec in specs})
            channels = [first.in_channels], [first.out_channels]
            dynamic = DynamicMBConvLayer(*channels, kernels, ratios, first.stride)
            shortcut = IdentityLayer(*channels[0], *channels[1]) if first.residual else None
            blocks.append(ResidualBlock(dynamic, shortcut))
        (stem,), (head,) = (convs_of(ours, place) for place in (0, -1))
        self.stem, self.mix = (
            ConvLayer(c.in_channels, c.out_channels, c.kernel, c.stride, act_func="relu6") for c in (stem, head)
        )
        self.blocks: Sequence[Any] = nn.ModuleList(blocks)  # type: ignore[assignment]
        linear = only(ours, -1).linear_layer("linear")
        self.linear = nn.Linear(linear.in_features, linear.out_features)
        self._copy(ours)

    @torch.no_grad()
    def _copy(self, ours: Supernet) -> None:
        self.linear.load_state_dict(only(ours, -1).linear_layer("linear").state_dict())
        for (conv, norm), own in zip(self._pairs(), convolutions(ours), strict=True):
            conv.weight.copy_(own.conv.weight)
            norm.load_state_dict(own.norm.state_dict())

    def _pairs(self) -> Iterator[tuple[nn.Conv2d, nn.BatchNorm2d]]:
        yield self.stem.conv, self.stem.bn
        for block in self.blocks:
            for part in (block.conv.inverted_bottleneck, block.conv.depth_conv, block.conv.point_linear):
                yield part.conv.conv, part.bn.bn
        yield self.mix.conv, self.mix.bn

    def forward(self, x: Tensor, arch: Arch) -> Tensor:
        x = self.stem(x)
        for block, options, pick in zip(self.blocks, self.space.layers[1:-1], arch[1:-1]):
            spec = options[pick]
            if isinstance(spec, MBConv):
                block.conv.active_kernel_size = spec.kernel
                block.conv.active_expand_ratio = spec.hidden_channels // spec.in_channels
                x = block(x)
        return self.linear(self.mix(x).mean((2, 3)))


def in_turn(supernet: OfaSupernet, space: SearchSpace, smoothing: float, seed: int) -> Backward:
    """The sandwich rule as users of dynamic layers run it: forward and backward, network by network."""

    def backward(step: int, images: Tensor, labels: Tensor) -> float:
        largest, *others = networks(space, seed, step)
        logits = supernet(images, largest)
        loss = F.cross_entropy(logits, labels, label_smoothing=smoothing)
        loss.backward()
        soft = logits.detach().softmax(1)
        for arch in others:
            F.cross_entropy(supernet(images, arch), soft).backward()
        return loss.item()

    return backward


def only(ours: Supernet, place: int) -> Layer:
    """The module of a layer that has only one kind of computing option."""
    (module,) = ours.layers[place].largest.values()
    return module


def convs_of(ours: Supernet, place: int) -> tuple[Convolution, ...]:
    return ours.space.layers[place][0].convs


def convolutions(ours: Supernet) -> Iterator[ConvBN]:
    for place in range(len(ours.layers)):
        yield from only(ours, place).convs
