"""Spaces of several kinds of blocks under several trunks: builds `edge` and `edge_imagenet`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from search_spaces.layers import (
    Attention,
    FusedMBConv,
    Head,
    MBConv,
    PatchStem,
    ResidualBlock,
    Skip,
    Spec,
    SqueezeExciteMBConv,
    Stem,
)
from search_spaces.layers.attention import LARGEST
from search_spaces.mbconv import Stage
from search_spaces.space import SearchSpace

HEAD = 8  # channels of an attention head, and the multiple of all widths


class Trunk(NamedTuple):
    """Input resolution and width, relative to the space's, and the stem: 3x3 of stride 1 or 2, or 2x2 patches."""

    resolution: float
    width: float
    stem: Literal[1, 2, "patches"]


def trunked_space(
    name: str,
    image: tuple[int, int],
    trunks: Sequence[Trunk],
    stem_channels: int,
    stages: Sequence[Stage],
    head_channels: int,
    classes: int,
) -> SearchSpace:
    """Blocks of every kind in each layer of the `stages`, under each trunk; `image`: channels and pixels.

    The first trunk has the largest maps and decides which layers offer attention, for which those maps must be small
    enough. The reference is a ResNet under the first trunk: residual blocks throughout, at full depth (He et al. 2016).
    """
    large: list[int] = []  # the input pixels of each layer under the first trunk
    columns = []
    for trunk in trunks:
        columns.append(list(_layers(image, trunk, stem_channels, stages, head_channels, classes, large)))
        large = large or [options[0].resolution for options in columns[0]]
    layers = tuple(tuple(spec for options in row for spec in options) for row in zip(*columns))
    residual = [
        next((pick for pick, one in enumerate(options) if isinstance(one, ResidualBlock)), 0) for options in columns[0]
    ]
    return SearchSpace(name, layers, tuple(residual))


def _layers(
    image: tuple[int, int],
    trunk: Trunk,
    stem_channels: int,
    stages: Sequence[Stage],
    head_channels: int,
    classes: int,
    large: Sequence[int],
) -> Iterator[list[Spec]]:
    """The options of each layer under one trunk."""
    channels = _scaled(stem_channels, trunk.width)
    pixels = round(image[1] * trunk.resolution / 2) * 2 if trunk.resolution < 1 else image[1]
    stem: Spec
    if trunk.stem == "patches":
        stem = PatchStem(image[0], channels, pixels)
    else:
        stem = Stem(image[0], channels, trunk.stem, pixels)
    yield [stem]
    pixels, layer = stem.out_resolution, 1
    for stage in stages:
        width = _scaled(stage.channels, trunk.width)
        for index in range(stage.depth):
            stride = stage.stride if index == 0 else 1
            attention = (large[layer] if large else pixels) <= LARGEST
            options = list(_blocks(channels, width, stride, pixels, attention))
            yield options
            channels, pixels, layer = width, options[0].out_resolution, layer + 1
    yield [Head(channels, head_channels, classes, pixels)]


def _blocks(channels: int, width: int, stride: int, pixels: int, attention: bool) -> Iterator[Spec]:
    """The options of a layer."""
    for expand in (1, 2, 4):
        yield FusedMBConv(channels, channels * expand, width, 3, stride, pixels)
    yield ResidualBlock(channels, width, width, 3, stride, pixels)
    for kernel in (3, 5):
        for expand in (3, 6):
            yield MBConv(channels, channels * expand, width, kernel, stride, pixels)
    yield SqueezeExciteMBConv(channels, channels * 4, width, channels, 3, stride, pixels)
    if stride == 1 and channels == width:
        if attention:
            yield Attention(channels, channels // HEAD, HEAD, pixels)
        yield Skip(channels, pixels)


def _scaled(channels: int, width: float) -> int:
    """The nearest multiple of 8 (Sandler et al. 2018)."""
    return max(HEAD, int(channels * width / HEAD + 0.5) * HEAD)
