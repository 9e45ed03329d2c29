"""Layers whose 1x1 convolutions are factorised into two; the inner one is linear, without batch norm."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from search_spaces.layers.head import Head
from search_spaces.layers.mbconv import MBConv
from search_spaces.layers.nodes import Convolution, Node
from search_spaces.layers.spec import Spec


@dataclass(frozen=True)
class LowRankMBConv(Spec):
    """An MBConv with factorised 1x1 convolutions.

    A rank of at least min(in, out) leaves that convolution whole.
    """

    in_channels: int
    hidden_channels: int
    out_channels: int
    kernel: int
    stride: int
    resolution: int  # input pixels
    expand_rank: int
    project_rank: int

    elastic = ("hidden_channels", "kernel", "expand_rank", "project_rank")

    @property
    def whole(self) -> MBConv:
        return MBConv(
            self.in_channels, self.hidden_channels, self.out_channels, self.kernel, self.stride, self.resolution
        )

    def nodes(self) -> Iterator[Node]:
        return factorised(self.whole, {"expand": self.expand_rank, "project": self.project_rank})

    def __str__(self) -> str:
        return f"LowRank{self.whole}"[:-1] + f", ranks {self.expand_rank} and {self.project_rank})"


@dataclass(frozen=True)
class LowRankHead(Spec):
    """A head with a factorised convolution."""

    in_channels: int
    hidden_channels: int
    classes: int
    resolution: int  # input pixels
    rank: int

    elastic = ("rank",)

    @property
    def out_channels(self) -> int:
        return self.classes

    @property
    def whole(self) -> Head:
        return Head(self.in_channels, self.hidden_channels, self.classes, self.resolution)

    def nodes(self) -> Iterator[Node]:
        return factorised(self.whole, {"conv": self.rank})


FACTORISED: dict[type[Spec], tuple[type[Spec], tuple[str, ...]]] = {  # kind -> low-rank kind, convolutions with a rank
    MBConv: (LowRankMBConv, ("expand", "project")),
    Head: (LowRankHead, ("conv",)),
}


def factorised(whole: Spec, ranks: Mapping[str, int]) -> Iterator[Node]:
    """The nodes of a layer in which each 1x1 convolution in `ranks` is factorised with that rank.

    A convolution stays whole if it has no more channels than its rank. The inner one is named by `inner_of`.
    """
    for node in whole.graph.nodes:
        rank = ranks.get(node.name)
        if isinstance(node, Convolution) and rank is not None and rank < min(node.in_channels, node.out_channels):
            inner = dataclasses.replace(node, name=inner_of(node.name), out_channels=rank, activation=None, norm=False)
            yield inner
            node = dataclasses.replace(node, inputs=(inner.name,), in_channels=rank)
        yield node


def inner_of(name: str) -> str:
    return f"{name}_inner"
