from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from search_spaces.layers.nodes import INPUT, Convolution, Node, Sum
from search_spaces.layers.spec import Prunable, Spec


@dataclass(frozen=True)
class ResidualBlock(Spec):
    """Two k x k convolutions and a residual sum (He et al. 2016); the shortcut is a 1x1 if the shape changes.

    Nothing follows the sum, so without its branch the block is a Skip, like other blocks.
    """

    in_channels: int
    hidden_channels: int
    out_channels: int
    kernel: int
    stride: int
    resolution: int  # input pixels

    elastic = ("hidden_channels", "kernel")
    prunable = Prunable("hidden_channels", producers=("first",), gate="first")

    def nodes(self) -> Iterator[Node]:
        first = self.in_channels, self.hidden_channels, self.kernel, self.stride
        yield Convolution("first", (INPUT,), *first, activation="relu6")
        yield Convolution("second", ("first",), self.hidden_channels, self.out_channels, self.kernel)
        if self.stride == 1 and self.in_channels == self.out_channels:
            yield Sum("add", (INPUT, "second"))
        else:
            yield Convolution("shortcut", (INPUT,), self.in_channels, self.out_channels, 1, self.stride)
            yield Sum("add", ("shortcut", "second"))
