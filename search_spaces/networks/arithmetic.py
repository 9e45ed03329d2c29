"""The torch rules for nodes without weights, shared by all torch interpreters."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from search_spaces.layers.graph import Rules
from search_spaces.layers.nodes import Flatten, MatMul, Pool, Product, Reshape, Scale, Softmax, Sum, Transpose


def pooled(node: Pool, x: Tensor) -> Tensor:
    """Average pooling; unlike `mean`, its gradient is a dense tensor, which keeps earlier layers fast."""
    return F.avg_pool2d(x, x.shape[-1])


ARITHMETIC: Rules[Tensor] = {
    Sum: lambda node, a, b: a + b,
    Product: lambda node, a, b: a * b,
    Scale: lambda node, x: node.factor * x,
    Pool: pooled,
    Flatten: lambda node, x: x.flatten(1),
    Reshape: lambda node, x: x.reshape(len(x), *node.shape),
    Transpose: lambda node, x: x.transpose(-2, -1),
    MatMul: lambda node, a, b: a @ b,
    Softmax: lambda node, x: torch.softmax(x, -1),
}


def linear(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """[N, in] -> [N, out], in the weights' precision."""
    with torch.autocast(x.device.type, enabled=False):
        return F.linear(x.to(weight.dtype), weight, bias)
