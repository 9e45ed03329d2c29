"""Spaces of MBConv stages: builds `tiny`, `mobile` and `mobile_imagenet`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from search_spaces.layers import Head, MBConv, Skip, Spec
from search_spaces.space import SearchSpace


class Stage(NamedTuple):
    """`depth` layers of `channels`; the first may halve the resolution, the others may be skipped."""

    channels: int
    depth: int
    stride: int


def mbconv_space(
    name: str,
    fixed: Sequence[Spec],
    stages: Sequence[Stage],
    kernels: Sequence[int],
    expands: Sequence[int],
    head_channels: int,
    classes: int,
) -> SearchSpace:
    """A space of `fixed` layers, then stages of MBConv(kernel, expand ratio) or Skip, then the head.

    The reference follows MobileNetV2: kernel 3 and the largest expand ratio everywhere, full depth.
    """
    layers: list[tuple[Spec, ...]] = [(spec,) for spec in fixed]
    channels, pixels = fixed[-1].out_channels, fixed[-1].out_resolution
    for stage in stages:
        for index in range(stage.depth):
            stride = stage.stride if index == 0 else 1
            blocks = tuple(
                MBConv(channels, channels * expand, stage.channels, kernel, stride, pixels)
                for kernel in kernels
                for expand in expands
            )
            skip = (Skip(channels, pixels),) if blocks[0].residual else ()
            layers.append(blocks + skip)
            channels, pixels = stage.channels, blocks[0].out_resolution
    layers.append((Head(channels, head_channels, classes, pixels),))
    hand_made = kernels.index(3) * len(expands) + expands.index(max(expands))
    return SearchSpace(name, tuple(layers), tuple(hand_made if len(options) > 1 else 0 for options in layers))
