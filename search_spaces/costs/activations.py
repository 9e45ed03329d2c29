"""Activations that have to be held in memory, as numbers for one image."""

from __future__ import annotations

import math
from collections.abc import Sequence

from search_spaces.costs.totals import total, zero
from search_spaces.layers.graph import Rules, rule_of
from search_spaces.layers.nodes import (
    INPUT,
    Convolution,
    Flatten,
    Linear,
    MatMul,
    Node,
    Pool,
    Product,
    Reshape,
    Scale,
    Shape,
    Softmax,
    Sum,
    Transpose,
)
from search_spaces.layers.spec import Spec


def kept_activations(specs: Sequence[Spec]) -> int:
    """What a training step keeps for its backward pass at the very least: the output of every convolution."""
    return sum(total(spec, KEPT, "the counter of kept activations") for spec in specs)


def peak_activations(specs: Sequence[Spec]) -> int:
    """The most that are alive at once while a network answers node by node, each value dropped after its last use.

    Activations are applied in place, and a reshaped value is no copy.
    """
    return max((_peak(spec) for spec in specs), default=0)


def _peak(spec: Spec) -> int:
    alive = {INPUT: math.prod(spec.shapes[INPUT])}
    peak = sum(alive.values())
    for node, released in zip(spec.graph.nodes, spec.graph.released):
        own = rule_of(HELD, node, "the counter of live activations")(node, spec.shapes[node.name])
        alive[node.name] = own
        peak = max(peak, sum(alive.values()))
        for name in released:
            size = alive.pop(name)
            if not own and name in node.inputs:  # the same memory goes on under another name
                alive[node.name] = size
    return peak


def _size(node: Node, output: Shape, *inputs: Shape) -> int:
    return math.prod(output)


KEPT: Rules[int] = {
    Convolution: _size,
    **dict.fromkeys((Linear, Sum, Product, Scale, Pool, Flatten, Reshape, Transpose, MatMul, Softmax), zero),
}
HELD: Rules[int] = {
    **dict.fromkeys((Convolution, Linear, Sum, Product, Scale, Pool, Transpose, MatMul, Softmax), _size),
    **dict.fromkeys((Flatten, Reshape), zero),
}
