"""The base class of layer specifications: what a layer computes, without its weights.

Specs are used throughout the project: a space decodes to them, `Layer` makes a torch module from one, the latency table
is keyed by them, the board times them, and pruning returns narrower ones. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from search_spaces.layers.graph import Graph
from search_spaces.layers.nodes import Convolution, Node, Shape
from search_spaces.layers.shapes import shapes


@dataclass(frozen=True)
class Prunable:
    """The number of a layer that pruning reduces, and what is removed with each unit of it.

    Removing a unit removes the output channels that `producers` have for it, and everything computed from them.
    `gate`: the convolution whose batch norm switches a unit off when its scale and shift are 0.
    """

    field: str
    producers: tuple[str, ...]
    gate: str
    multiple: int = 8  # widths are multiples of this; int8 kernels process eight channels at a time


@dataclass(frozen=True)
class Spec:
    """A layer of one kind: its fields are its numbers, `nodes` is its graph.

    `elastic` names the fields in which the options of one supernet layer may differ. The largest option contains the
    others in its first channels and central kernel taps.
    """

    elastic: ClassVar[tuple[str, ...]] = ()
    prunable: ClassVar[Prunable | None] = None
    takes_image: ClassVar[bool] = False  # whether it is a stem

    if TYPE_CHECKING:  # every kind has these as a field or property

        @property
        def in_channels(self) -> int: ...

        @property
        def out_channels(self) -> int: ...

        @property
        def resolution(self) -> int: ...  # input height = width, pixels

    def nodes(self) -> Iterator[Node]:
        raise NotImplementedError

    @cached_property
    def graph(self) -> Graph:
        return Graph(tuple(self.nodes()))

    @cached_property
    def shapes(self) -> Mapping[str, Shape]:
        """The shape of each node's value and of the input, for one image."""
        return shapes(self.graph, (self.in_channels, self.resolution, self.resolution))

    @property
    def convs(self) -> tuple[Convolution, ...]:
        """Empty for a layer that computes nothing."""
        return self.graph.convolutions

    @property
    def out_shape(self) -> Shape:
        return self.shapes[self.graph.output]

    @property
    def out_resolution(self) -> int:
        """Height = width of the output, pixels; 1 for a vector."""
        return 1 if self.classifies else self.out_shape[-1]

    @property
    def classifies(self) -> bool:
        """Whether the output is a vector, as that of a head."""
        return len(self.out_shape) == 1

    @property
    def residual(self) -> bool:
        """Whether the layer's input is added to its result."""
        return self.graph.branch is not None
