from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from search_spaces.layers.nodes import INPUT, Convolution, Node
from search_spaces.layers.spec import Spec


@dataclass(frozen=True)
class Pointwise(Spec):
    """Linear 1x1 convolution: NAS-Bench-Macro's identity where the shape changes; also the context of a timed block."""

    in_channels: int
    out_channels: int
    stride: int
    resolution: int  # input pixels

    def nodes(self) -> Iterator[Node]:
        yield Convolution("conv", (INPUT,), self.in_channels, self.out_channels, 1, self.stride)
