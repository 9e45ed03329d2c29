"""The largest of several options in a supernet layer, and where the others lie in its weights. Imports no torch.

First channels, central taps (Cai et al. 2020; Yu et al. 2020).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from search_spaces.errors import LutraError
from search_spaces.layers import Spec
from search_spaces.layers.graph import Graph, Rules, rule_of
from search_spaces.layers.nodes import Convolution, Linear, Weighted

Slices = tuple[slice, ...]


SHAPE = ("in_channels", "out_channels", "channels", "hidden_channels", "resolution", "stride")  # decided by a trunk


def largest(specs: Sequence[Spec], shape: Sequence[str] = ()) -> Spec:
    """The spec that contains all others of its kind: the largest value of each elastic field.

    `shape` names fields that may differ as well, as between trunks. Raises LutraError if they differ in another field,
    or if their graphs differ.
    """
    first, elastic = specs[0], {*specs[0].elastic, *shape}
    for field in dataclasses.fields(first):
        values = sorted({getattr(spec, field.name) for spec in specs})
        if len(values) > 1 and field.name not in elastic:
            kind, known = type(first).__name__, ", ".join(first.elastic) or "none"
            raise LutraError(
                f"options of kind {kind} in one layer share weights, but have {field.name} "
                f"{', '.join(map(str, values))}; they may differ only in: {known}"
            )
    names = [field.name for field in dataclasses.fields(first) if field.name in elastic]
    whole = dataclasses.replace(first, **{name: max(getattr(spec, name) for spec in specs) for name in names})
    for spec in specs:
        if _connections(spec.graph) != _connections(whole.graph):
            raise LutraError(f"{spec} and {whole} cannot share weights in a supernet: their graphs differ")
    return whole


def _connections(graph: Graph) -> list[tuple[type, str, tuple[str, ...]]]:
    return [(type(node), node.name, node.inputs) for node in graph.nodes]


def region(part: Weighted, whole: Weighted) -> Slices:
    """The slices of the larger layer's weight that hold the smaller layer's, for one node."""
    return rule_of(REGIONS, part, "the cutting of weights")(part, whole)


def _convolution(part: Convolution, whole: Convolution) -> Slices:
    border = (whole.kernel - part.kernel) // 2
    taps = slice(border, border + part.kernel)
    return slice(part.weight_shape[0]), slice(part.weight_shape[1]), taps, taps


def _linear(part: Linear, whole: Linear) -> Slices:
    return slice(part.out_features), slice(part.in_features)


REGIONS: Rules[Slices] = {Convolution: _convolution, Linear: _linear}
