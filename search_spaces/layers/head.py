from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from search_spaces.layers.nodes import INPUT, Convolution, Flatten, Linear, Node, Pool
from search_spaces.layers.spec import Prunable, Spec


@dataclass(frozen=True)
class Head(Spec):
    """1x1 convolution, global average pooling, linear classifier."""

    in_channels: int
    hidden_channels: int
    classes: int
    resolution: int  # input pixels

    prunable = Prunable("hidden_channels", producers=("conv",), gate="conv")

    @property
    def out_channels(self) -> int:
        return self.classes

    def nodes(self) -> Iterator[Node]:
        yield Convolution("conv", (INPUT,), self.in_channels, self.hidden_channels, activation="relu6")
        yield Pool("pool", ("conv",))
        yield Flatten("flat", ("pool",))
        yield Linear("linear", ("flat",), self.hidden_channels, self.classes)
