from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from search_spaces.layers.nodes import INPUT, Convolution, Node, Sum
from search_spaces.layers.spec import Prunable, Spec


@dataclass(frozen=True)
class MBConv(Spec):
    """Inverted residual block (Sandler et al. 2018): 1x1 expand, depthwise k x k, linear 1x1 project.

    `hidden_channels` is absolute, so a pruned block is still an MBConv.
    """

    in_channels: int
    hidden_channels: int
    out_channels: int
    kernel: int
    stride: int
    resolution: int  # input pixels

    elastic = ("hidden_channels", "kernel")
    prunable = Prunable("hidden_channels", producers=("expand",), gate="depthwise")

    def nodes(self) -> Iterator[Node]:
        hidden = self.hidden_channels
        yield Convolution("expand", (INPUT,), self.in_channels, hidden, activation="relu6")
        yield Convolution("depthwise", ("expand",), hidden, hidden, self.kernel, self.stride, True, "relu6")
        yield Convolution("project", ("depthwise",), hidden, self.out_channels)
        if self.stride == 1 and self.in_channels == self.out_channels:
            yield Sum("add", (INPUT, "project"))

    def __str__(self) -> str:
        return (
            f"MBConv({self.in_channels}->{self.out_channels}, hidden {self.hidden_channels}, "
            f"k{self.kernel}, s{self.stride}, {self.resolution}px)"
        )
