"""Bytes of the weights in a deployed file."""

from __future__ import annotations

import math
from collections.abc import Sequence

from search_spaces.costs.totals import WEIGHTLESS, total
from search_spaces.layers.graph import Rules
from search_spaces.layers.nodes import Convolution, Linear, Shape, Weighted
from search_spaces.layers.spec import Spec

BYTES = {"fp32": (4, 4), "int8": (1, 9)}  # per weight; per output channel: bias, and in INT8 scale and zero point


def weight_bytes(specs: Sequence[Spec], precision: str) -> int:
    """Bytes of convolutions and linear layers with batch norms folded, without the graph, which takes a few kilobytes.

    `precision`: fp32 or int8 (weights with one scale per channel).
    """
    return sum(total(spec, _rules(*BYTES[precision]), "the counter of weight bytes") for spec in specs)


def _rules(weight: int, channel: int) -> Rules[int]:
    def weighted(node: Weighted, *shapes: Shape) -> int:
        return weight * math.prod(node.weight_shape) + channel * node.weight_shape[0]

    return {Convolution: weighted, Linear: weighted, **WEIGHTLESS}
