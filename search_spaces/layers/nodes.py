"""The nodes of layers: everything that an interpreter must know. Imports no torch.

A node names its inputs: other nodes of its graph, or INPUT, the layer's input. The first axis of a value is the batch,
the second the channels (or attention heads); only `Convolution` and `Linear` mix entries along the second axis.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Union

INPUT = "input"
Activation = Literal["relu6", "hard_sigmoid"]
Shape = tuple[int, ...]  # of a value, without the batch


def border(kernel: int) -> int:
    """The zeros on each side of a convolution's input; none for patches, whose kernel is even."""
    return (kernel - 1) // 2


@dataclass(frozen=True)
class Node:
    name: str
    inputs: tuple[str, ...]


@dataclass(frozen=True)
class Convolution(Node):
    """Convolution without bias, batch norm if `norm`, then the activation. Output: ceil(pixels / stride) pixels."""

    in_channels: int
    out_channels: int
    kernel: int = 1  # pixels; an even one equals the stride
    stride: int = 1
    depthwise: bool = False  # one filter per channel; in_channels == out_channels
    activation: Activation | None = None
    norm: bool = True

    @property
    def groups(self) -> int:
        return self.in_channels if self.depthwise else 1

    @property
    def border(self) -> int:
        return border(self.kernel)

    @property
    def weight_shape(self) -> tuple[int, ...]:
        return self.out_channels, self.in_channels // self.groups, self.kernel, self.kernel


@dataclass(frozen=True)
class Linear(Node):
    """Matrix product with a weight, plus bias: [N, in_features] -> [N, out_features]."""

    in_features: int
    out_features: int

    @property
    def weight_shape(self) -> tuple[int, ...]:
        return self.out_features, self.in_features


@dataclass(frozen=True)
class Sum(Node):
    """Sum of two values."""


@dataclass(frozen=True)
class Product(Node):
    """Elementwise product of two values; [N, C, 1, 1] scales the channels of [N, C, H, W]."""


@dataclass(frozen=True)
class Scale(Node):
    """Multiplication by a constant."""

    factor: float


@dataclass(frozen=True)
class Pool(Node):
    """Mean over pixels: [N, C, H, W] -> [N, C, 1, 1]."""


@dataclass(frozen=True)
class Flatten(Node):
    """[N, C, 1, 1] -> [N, C]."""


@dataclass(frozen=True)
class Reshape(Node):
    """To [N, *shape]; groups of channels along the second axis stay together."""

    shape: Shape


@dataclass(frozen=True)
class Transpose(Node):
    """Swaps the last two axes."""


@dataclass(frozen=True)
class MatMul(Node):
    """Matrix product of two values over their last two axes: [N, A, B, C] and [N, A, C, D] -> [N, A, B, D]."""


@dataclass(frozen=True)
class Softmax(Node):
    """Softmax over the last axis."""


Weighted = Union[Convolution, Linear]  # has a weight
