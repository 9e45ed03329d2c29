"""What all kinds of layer have in common: a layer specification says what is computed, without its weights.

A `Spec` is the currency of the project: a space decodes to specs, `Layer` makes a torch module of one, the latency
table is keyed by it, the board measures it, pruning answers with narrower ones. No torch here.
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
    """The number of a kind that pruning makes smaller, and what goes with each unit of it.

    Removed with a unit are the output channels that `producers` have for it, and all that later nodes compute from
    these. `gate`: the convolution without whose batch norm (scale and shift 0) a unit has no effect.
    """

    field: str
    producers: tuple[str, ...]
    gate: str
    multiple: int = 8  # widths to choose from; int8 kernels work on eight channels at a time


@dataclass(frozen=True)
class Spec:
    """A layer of one kind: its fields are its numbers, `nodes` is its graph.

    `elastic` names the fields in which the options of one supernet layer may differ: the largest holds all others, in
    its first channels and central taps.
    """

    elastic: ClassVar[tuple[str, ...]] = ()
    prunable: ClassVar[Prunable | None] = None

    if TYPE_CHECKING:  # a field or a property of every kind

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
        """The shape of each node's value for one image, and of the input."""
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
        """Whether the output is a vector, as a head's."""
        return len(self.out_shape) == 1

    @property
    def residual(self) -> bool:
        """Whether the layer's input is added to what it computes."""
        return self.graph.branch is not None
