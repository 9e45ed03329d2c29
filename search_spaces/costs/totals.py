"""Costs that add over the nodes of a graph."""

from __future__ import annotations

from search_spaces.layers.graph import Rules, rule_of
from search_spaces.layers.nodes import (
    Flatten,
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


def total(spec: Spec, rules: Rules[int], interpreter: str) -> int:
    """The sum over a layer's nodes; a rule takes the node, the shape of its value, and the shapes of its inputs."""
    return sum(
        rule_of(rules, node, interpreter)(node, spec.shapes[node.name], *[spec.shapes[name] for name in node.inputs])
        for node in spec.graph.nodes
    )


def zero(node: Node, *shapes: Shape) -> int:
    return 0


WEIGHTLESS: Rules[int] = dict.fromkeys(
    (Sum, Product, Scale, Pool, Flatten, Reshape, Transpose, MatMul, Softmax), zero
)  # nodes without parameters
