"""Trained parameters."""

from __future__ import annotations

import math
from collections.abc import Sequence

from search_spaces.costs.totals import WEIGHTLESS, total
from search_spaces.layers.graph import Rules
from search_spaces.layers.nodes import Convolution, Linear
from search_spaces.layers.spec import Spec


def parameters(specs: Sequence[Spec]) -> int:
    """Weights of convolutions and linear layers, batch norms' scale and shift, biases of linear layers."""
    return sum(total(spec, RULES, "the counter of parameters") for spec in specs)


RULES: Rules[int] = {
    Convolution: lambda node, *shapes: math.prod(node.weight_shape) + 2 * node.out_channels * node.norm,
    Linear: lambda node, *shapes: math.prod(node.weight_shape) + node.out_features,
    **WEIGHTLESS,
}
