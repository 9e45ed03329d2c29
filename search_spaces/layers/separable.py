from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from search_spaces.layers.nodes import INPUT, Convolution, Node
from search_spaces.layers.spec import Spec


@dataclass(frozen=True)
class Separable(Spec):
    """Depthwise 3x3 and linear 1x1: MobileNetV2's first block, whose expand ratio of 1 needs no expand convolution."""

    in_channels: int
    out_channels: int
    stride: int
    resolution: int  # input pixels

    def nodes(self) -> Iterator[Node]:
        channels = self.in_channels
        yield Convolution("depthwise", (INPUT,), channels, channels, 3, self.stride, True, "relu6")
        yield Convolution("project", ("depthwise",), channels, self.out_channels)
