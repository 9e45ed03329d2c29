"""`edge`: blocks of several kinds for 32x32 images, so that the device decides among them.

Per layer: FusedMBConv (expand ratio 1, 2, 4), ResidualBlock, MBConv (kernel 3 and 5, expand ratio 3 and 6), MBConv with
squeeze-and-excite, attention on maps of at most 8x8, Skip.
"""

from __future__ import annotations

from collections.abc import Iterator

from search_spaces.layers import (
    Attention,
    FusedMBConv,
    Head,
    MBConv,
    ResidualBlock,
    Skip,
    Spec,
    SqueezeExciteMBConv,
    Stem,
)
from search_spaces.layers.attention import LARGEST
from search_spaces.space import SearchSpace

STAGES = ((16, 2, 1), (32, 3, 2), (64, 3, 2), (96, 2, 2))  # channels, layers, stride of the first
HEAD = 8  # channels of an attention head


def edge(in_channels: int, resolution: int, classes: int) -> SearchSpace:
    """Ten searched layers: 7.4e9 networks, 3 to 80 MMACs at 32 px.

    The reference is a ResNet: residual blocks throughout, at full depth (He et al. 2016).
    """
    layers: list[tuple[Spec, ...]] = [(Stem(in_channels, 16, 1, resolution),)]
    channels, pixels = 16, layers[0][0].out_resolution
    for width, depth, first in STAGES:
        for index in range(depth):
            stride = first if index == 0 else 1
            layers.append(tuple(blocks(channels, width, stride, pixels)))
            channels, pixels = width, layers[-1][0].out_resolution
    layers.append((Head(channels, 256, classes, pixels),))
    residual = [next((i for i, one in enumerate(options) if isinstance(one, ResidualBlock)), 0) for options in layers]
    return SearchSpace("edge", tuple(layers), tuple(residual))


def blocks(channels: int, width: int, stride: int, pixels: int) -> Iterator[Spec]:
    """The options of a layer."""
    for expand in (1, 2, 4):
        yield FusedMBConv(channels, channels * expand, width, 3, stride, pixels)
    yield ResidualBlock(channels, width, width, 3, stride, pixels)
    for kernel in (3, 5):
        for expand in (3, 6):
            yield MBConv(channels, channels * expand, width, kernel, stride, pixels)
    yield SqueezeExciteMBConv(channels, channels * 4, width, channels, 3, stride, pixels)
    if stride == 1 and channels == width:
        if pixels <= LARGEST:
            yield Attention(channels, channels // HEAD, HEAD, pixels)
        yield Skip(channels, pixels)
