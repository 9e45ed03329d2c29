"""Activations that must be held in memory, as a count for one image."""

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
    """A lower bound on what a training step keeps for its backward pass: the output of every convolution."""
    return sum(total(spec, KEPT, "the counter of kept activations") for spec in specs)


def peak_activations(specs: Sequence[Spec]) -> int:
    """The most values that are live at once when a network runs node by node; each is dropped after its last use.

    Activation functions are applied in place, and reshaping copies nothing.
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
            if not own and name in node.inputs:  # the same memory under another name
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
