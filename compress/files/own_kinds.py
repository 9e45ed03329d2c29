"""Hand-made networks of our own kinds of layers, so that every runtime's writer can write them.

Like `compress.files.foreign`, they are for small images: the stem has stride 1. MobileNetV3-small and ShuffleNetV2 are
there alone, because no kind of layer has a hard swish or shuffles channels. ResNet-8 is in both.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

from search_spaces.layers import Attention, FusedMBConv, Head, MBConv, ResidualBlock, Separable, Spec, Stem
from search_spaces.layers.attention import LARGEST

MOBILENET_V2 = ((6, 16, 2, 2), (6, 16, 3, 2), (6, 32, 4, 2), (6, 48, 3, 1), (6, 80, 3, 2), (6, 160, 1, 1))
MOBILENET_V4 = (  # hidden channels, channels, kernel and stride of each MBConv
    *((192, 96, 5, 2), *((192, 96, 3, 1),) * 4, (384, 96, 3, 1)),
    *((576, 128, 3, 2), (512, 128, 5, 1), (512, 128, 5, 1), (384, 128, 5, 1), (512, 128, 3, 1), (512, 128, 3, 1)),
)


def vit(in_channels: int, resolution: int, classes: int) -> list[Spec]:
    """A compact vision transformer (Hassani et al. 2021, CCT-2/3x2): convolutions make 8x8 tokens of 128 channels.

    Two encoders follow, each attention and a perceptron. They have batch norms, which can be folded, instead of layer
    norms (Graham et al. 2021), and no position embedding, which the convolutions make unnecessary.
    """
    halvings = max(0, math.ceil(math.log2(resolution / LARGEST)))
    widths = [64] * halvings + [128]
    layers: list[Spec] = [Stem(in_channels, widths[0], 1, resolution)]
    for before, after in pairwise(widths):
        layers.append(FusedMBConv(before, before, after, 3, 2, layers[-1].out_resolution))
    pixels = layers[-1].out_resolution
    for _ in range(2):
        layers += encoder(128, 2, 128, pixels)
    return [*layers, Head(128, 128, classes, pixels)]


def encoder(channels: int, heads: int, hidden: int, pixels: int) -> list[Spec]:
    """Attention, then a perceptron of each token, which is a fused block of kernel 1."""
    attention = Attention(channels, heads, channels // heads, pixels)
    return [attention, FusedMBConv(channels, hidden, channels, 1, 1, pixels)]


def hybrid(in_channels: int, resolution: int, classes: int) -> list[Spec]:
    """Residual blocks down to maps of at most 8x8 pixels, then two encoders, as in CoAtNet (Dai et al. 2021)."""
    layers: list[Spec] = [Stem(in_channels, 16, 1, resolution), ResidualBlock(16, 16, 16, 3, 1, resolution)]
    channels, pixels = 16, resolution
    while pixels > LARGEST or channels < 64:
        layers.append(ResidualBlock(channels, 2 * channels, 2 * channels, 3, 2, pixels))
        channels, pixels = 2 * channels, layers[-1].out_resolution
    for _ in range(2):
        layers += encoder(channels, channels // 16, 2 * channels, pixels)
    return [*layers, Head(channels, 2 * channels, classes, pixels)]


def mobilenet_v2_half(in_channels: int, resolution: int, classes: int) -> list[Spec]:
    """Sandler et al. 2018, width 0.5."""
    layers: list[Spec] = [Stem(in_channels, 16, 1, resolution), Separable(16, 8, 1, resolution)]
    channels, pixels = 8, resolution
    for expand, width, depth, first in MOBILENET_V2:
        for index in range(depth):
            layers.append(MBConv(channels, expand * channels, width, 3, first if index == 0 else 1, pixels))
            channels, pixels = width, layers[-1].out_resolution
    return [*layers, Head(channels, 1280, classes, pixels)]


def mobilenet_v4_small(in_channels: int, resolution: int, classes: int) -> list[Spec]:
    """Like MobileNetV4-Conv-Small (Qin et al. 2024): its widths, depths and strides.

    Three blocks of the published network also begin with a depthwise convolution, and one has no other: no kind of
    layer of ours can do that, so they are MBConvs here. The head has the first of its two wide layers.
    """
    layers: list[Spec] = [Stem(in_channels, 32, 1, resolution)]
    for hidden, width in ((32, 32), (96, 64)):
        layers.append(FusedMBConv(32, hidden, width, 3, 2, layers[-1].out_resolution))
    for hidden, width, kernel, stride in MOBILENET_V4:
        before = layers[-1]
        layers.append(MBConv(before.out_channels, hidden, width, kernel, stride, before.out_resolution))
    return [*layers, Head(128, 960, classes, layers[-1].out_resolution)]


def resnet8_blocks(in_channels: int, resolution: int, classes: int) -> list[Spec]:
    """The ResNet-8 of MLPerf Tiny (Banbury et al. 2021) from our residual blocks, for every runtime.

    They have no activation after the sum; the head has the 1x1 convolution that all of ours have.
    """
    layers: list[Spec] = [Stem(in_channels, 16, 1, resolution)]
    for before, after in ((16, 16), (16, 32), (32, 64)):
        stride = 1 if before == after else 2
        layers.append(ResidualBlock(before, after, after, 3, stride, layers[-1].out_resolution))
    return [*layers, Head(64, 64, classes, layers[-1].out_resolution)]


OWN_KINDS: dict[str, Callable[[int, int, int], list[Spec]]] = {
    "vit": vit,
    "hybrid": hybrid,
    "mobilenet_v2_half": mobilenet_v2_half,
    "mobilenet_v4_small": mobilenet_v4_small,
    "resnet8_blocks": resnet8_blocks,
}
