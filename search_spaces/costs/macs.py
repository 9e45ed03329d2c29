"""Multiply-accumulates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

from search_spaces.costs.totals import WEIGHTLESS, total
from search_spaces.layers.graph import Rules
from search_spaces.layers.nodes import Convolution, Linear, MatMul, Shape, Weighted
from search_spaces.layers.spec import Spec


def macs(specs: Sequence[Spec]) -> int:
    """Multiply-accumulates of one image through convolutions, linear layers and matrix products."""
    return sum(map(_of_layer, specs))


@cache
def _of_layer(spec: Spec) -> int:
    return total(spec, RULES, "the counter of multiply-accumulates")


def _weighted(node: Weighted, output: Shape, *inputs: Shape) -> int:
    return math.prod(node.weight_shape) * math.prod(output[1:])


RULES: Rules[int] = {
    **WEIGHTLESS,
    Convolution: _weighted,
    Linear: _weighted,
    MatMul: lambda node, output, a, b: math.prod(output) * a[-1],
}
