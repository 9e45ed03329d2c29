"""A layer's graph, and the function that all interpreters use to walk it. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from search_spaces.errors import LutraError
from search_spaces.layers.nodes import INPUT, Convolution, Linear, Node, Sum, Weighted

Value = TypeVar("Value")
Rule = TypeVar("Rule")
Rules = Mapping[type[Node], Callable[..., Value]]  # node kind -> function of (node, values of its inputs)


@dataclass(frozen=True)
class Graph:
    """Nodes, each after its inputs. The last node's value is the output; without nodes, the output is the input."""

    nodes: tuple[Node, ...]

    @cached_property
    def output(self) -> str:
        return self.nodes[-1].name if self.nodes else INPUT

    @cached_property
    def convolutions(self) -> tuple[Convolution, ...]:
        return tuple(node for node in self.nodes if isinstance(node, Convolution))

    @cached_property
    def weighted(self) -> tuple[Weighted, ...]:
        return tuple(node for node in self.nodes if isinstance(node, Convolution | Linear))

    @cached_property
    def by_name(self) -> Mapping[str, Node]:
        return {node.name: node for node in self.nodes}

    @cached_property
    def weighted_by_name(self) -> Mapping[str, Weighted]:
        return {node.name: node for node in self.weighted}

    @cached_property
    def labels(self) -> Mapping[str, str]:
        """The name of each node's value in a file: convolutions are numbered c0, c1, ..."""
        numbers = {node.name: f"c{number}" for number, node in enumerate(self.convolutions)}
        return {node.name: numbers.get(node.name, node.name) for node in self.nodes}

    @cached_property
    def branch(self) -> str | None:
        """The node whose value is added to the layer's input, if that sum is the layer's output; else None."""
        last = self.nodes[-1] if self.nodes else None
        if not isinstance(last, Sum) or INPUT not in last.inputs:
            return None
        return next((name for name in last.inputs if name != INPUT), None)

    @cached_property
    def released(self) -> tuple[tuple[str, ...], ...]:
        """For each node, the values that no later node reads."""
        last_use = {name: position for position, node in enumerate(self.nodes) for name in node.inputs}
        return tuple(
            tuple(name for name, last in last_use.items() if last == position) for position in range(len(self.nodes))
        )


def rule_of(rules: Mapping[type[Node], Rule], node: Node, interpreter: str) -> Rule:
    """An interpreter's rule for a node. Raises LutraError for a kind of node that it does not know."""
    rule = rules.get(type(node))
    if rule is None:
        known = ", ".join(kind.__name__ for kind in rules)
        raise LutraError(f"{interpreter} has no rule for nodes of kind {type(node).__name__}; it has some for {known}")
    return rule


def walk(graph: Graph, rules: Rules[Value], x: Value, interpreter: str) -> Value:
    """The output of a layer for the input x, by an interpreter's rules. Each value is dropped after its last use."""
    values = {INPUT: x}
    for node, released in zip(graph.nodes, graph.released):
        values[node.name] = rule_of(rules, node, interpreter)(node, *[values[name] for name in node.inputs])
        for name in released:
            del values[name]
    return values[graph.output]
