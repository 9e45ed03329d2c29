"""Which weights belong to a prunable unit: a hidden channel, or an attention head.

A unit consists of the output channels that the producers of its kind's `Prunable` have for it, of everything that later
nodes compute from them channel by channel, and of the input channels of the convolution or linear layer that reads
them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from search_spaces.errors import LutraError
from search_spaces.layers import Spec
from search_spaces.layers.graph import Rules, rule_of
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
    Softmax,
    Sum,
    Transpose,
)
from search_spaces.layers.spec import Prunable

INTERPRETER = "structured pruning"


@dataclass(frozen=True)
class Tied:
    """Whether the rows (output channels) and the columns (input channels) of a weight belong to units."""

    rows: bool
    columns: bool


def prunable(spec: Spec) -> Prunable:
    """The prunable number of a layer. Raises LutraError for a kind that has none."""
    if spec.prunable is None:
        raise LutraError(f"nothing of {spec} can be pruned: its kind has no prunable number")
    return spec.prunable


def units(spec: Spec) -> int:
    """The number of units of a layer; 0 if none can be removed."""
    return getattr(spec, spec.prunable.field) if spec.prunable else 0


def tied(spec: Spec) -> Mapping[str, Tied]:
    """For each weighted node whose weight belongs to units: which of its axes."""
    producers, found = prunable(spec).producers, {}
    channels = {INPUT: False}  # value -> whether its channels belong to units
    for node in spec.graph.nodes:
        inputs = [channels[name] for name in node.inputs]
        channels[node.name] = rule_of(CHANNELS, node, INTERPRETER)(node, producers, *inputs)
        own = Tied(channels[node.name], inputs[0] and not getattr(node, "depthwise", False))
        if node.name in spec.graph.weighted_by_name and (own.rows or own.columns):
            found[node.name] = own
    return found


def _convolution(node: Convolution, producers: tuple[str, ...], x: bool) -> bool:
    return x if node.depthwise else node.name in producers


CHANNELS: Rules[bool] = {
    Convolution: _convolution,
    Linear: lambda node, producers, x: node.name in producers,
    **dict.fromkeys(
        (Sum, Product, Scale, Pool, Flatten, Reshape, Transpose, MatMul, Softmax),
        lambda node, producers, *inputs: any(inputs),
    ),
}
