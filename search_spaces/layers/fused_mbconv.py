from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from search_spaces.layers.nodes import INPUT, Convolution, Node, Sum
from search_spaces.layers.spec import Prunable, Spec


@dataclass(frozen=True)
class FusedMBConv(Spec):
    """An MBConv with expand and depthwise convolution fused into one of k x k (Tan & Le 2021, "EfficientNetV2")."""

    in_channels: int
    hidden_channels: int
    out_channels: int
    kernel: int
    stride: int
    resolution: int  # input pixels

    elastic = ("hidden_channels", "kernel")
    prunable = Prunable("hidden_channels", producers=("expand",), gate="expand")

    def nodes(self) -> Iterator[Node]:
        expand = self.in_channels, self.hidden_channels, self.kernel, self.stride
        yield Convolution("expand", (INPUT,), *expand, activation="relu6")
        yield Convolution("project", ("expand",), self.hidden_channels, self.out_channels)
        if self.stride == 1 and self.in_channels == self.out_channels:
            yield Sum("add", (INPUT, "project"))
