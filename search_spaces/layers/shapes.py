"""The shape of every value of a graph for one image. Imports no torch."""

from __future__ import annotations

import math
from collections.abc import Mapping

from search_spaces.layers.graph import Graph, Rules, rule_of
from search_spaces.layers.nodes import (
    INPUT,
    Convolution,
    Flatten,
    Linear,
    MatMul,
    Pool,
    Product,
    Reshape,
    Scale,
    Shape,
    Softmax,
    Sum,
    Transpose,
)


def shapes(graph: Graph, x: Shape) -> Mapping[str, Shape]:
    """The shapes of all nodes' values and of the input, whose shape is x."""
    found = {INPUT: x}
    for node in graph.nodes:
        found[node.name] = rule_of(RULES, node, "the shape interpreter")(node, *[found[name] for name in node.inputs])
    return found


def _convolved(node: Convolution, x: Shape) -> Shape:
    _, height, width = x
    height, width = ((side + 2 * node.border - node.kernel) // node.stride + 1 for side in (height, width))
    return node.out_channels, height, width


def _broadcast(node: Sum | Product, a: Shape, b: Shape) -> Shape:
    return tuple(map(max, a, b))


RULES: Rules[Shape] = {
    Convolution: _convolved,
    Linear: lambda node, x: (node.out_features,),
    Sum: _broadcast,
    Product: _broadcast,
    Scale: lambda node, x: x,
    Pool: lambda node, x: (x[0], 1, 1),
    Flatten: lambda node, x: (math.prod(x),),
    Reshape: lambda node, x: node.shape,
    Transpose: lambda node, x: (*x[:-2], x[-1], x[-2]),
    MatMul: lambda node, a, b: (*a[:-1], b[-1]),
    Softmax: lambda node, x: x,
}
