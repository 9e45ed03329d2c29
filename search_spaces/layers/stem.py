from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from search_spaces.layers.nodes import INPUT, Convolution, Node
from search_spaces.layers.spec import Spec


@dataclass(frozen=True)
class Stem(Spec):
    """3x3 convolution from the image."""

    in_channels: int
    out_channels: int
    stride: int
    resolution: int  # input pixels

    takes_image = True

    def nodes(self) -> Iterator[Node]:
        yield Convolution("conv", (INPUT,), self.in_channels, self.out_channels, 3, self.stride, activation="relu6")
