from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from search_spaces.errors import LutraError
from search_spaces.layers.nodes import INPUT, Convolution, MatMul, Node, Reshape, Scale, Softmax, Sum, Transpose
from search_spaces.layers.spec import Prunable, Spec

LARGEST = 8  # pixels per side, because every pixel attends to every other


@dataclass(frozen=True)
class Attention(Spec):
    """Attention between pixels, with 1x1 convolutions and batch norm (Graham et al. 2021, "LeViT").

    The batch norms can be folded, and onnxruntime has an integer kernel for every node. Raises LutraError for maps
    larger than 8x8.
    """

    in_channels: int
    heads: int
    head_channels: int  # of queries, keys and values
    resolution: int  # input pixels

    elastic = ("heads",)
    prunable = Prunable("heads", producers=("queries", "keys", "values"), gate="values", multiple=1)

    def __post_init__(self) -> None:
        if self.resolution > LARGEST:
            raise LutraError(f"attention is for maps of up to {LARGEST} pixels a side, not {self.resolution}")

    @property
    def out_channels(self) -> int:
        return self.in_channels

    def nodes(self) -> Iterator[Node]:
        channels, pixels = self.heads * self.head_channels, self.resolution**2
        for name in ("queries", "keys", "values"):
            yield Convolution(name, (INPUT,), self.in_channels, channels)
            yield Reshape(f"{name}_by_head", (name,), (self.heads, self.head_channels, pixels))
        yield Transpose("queries_first", ("queries_by_head",))
        yield MatMul("products", ("queries_first", "keys_by_head"))  # [heads, queries, keys]
        yield Scale("scaled", ("products",), self.head_channels**-0.5)
        yield Softmax("weights", ("scaled",))
        yield Transpose("weights_last", ("weights",))
        yield MatMul("means", ("values_by_head", "weights_last"))  # [heads, channels, queries]
        yield Reshape("maps", ("means",), (channels, self.resolution, self.resolution))
        yield Convolution("project", ("maps",), channels, self.in_channels)
        yield Sum("add", (INPUT, "project"))
