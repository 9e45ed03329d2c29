"""Convolutions for training, with gradients that are fast on a CPU.

oneDNN's depthwise weight gradient is fast for kernels of up to three columns, and several times slower for wider ones;
in bfloat16 it is slower still for kernels larger than the image, and for some with stride 2, unless the rows beyond the
image are given as zeros. So a wider kernel's gradient is computed three columns at a time, from an image that is padded
where needed. The data gradient is slow in bfloat16 with stride 2, so it is a convolution of the output's gradient, with
zeros between its pixels. The weight gradient of a bfloat16 convolution of one pixel is sometimes NaN, so only the tap
that meets the pixel is computed there.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from search_spaces.layers.nodes import border

COLUMNS = 3


def conv2d(x: Tensor, weight: Tensor, stride: int, groups: int = 1) -> Tensor:
    """[N, C, H, W] -> [N, O, ceil(H / stride), ceil(W / stride)]; `weight` [O, C / groups, k, k]."""
    middle = border(weight.shape[-1])
    in_bfloat16 = x.dtype == torch.bfloat16 or torch.is_autocast_enabled(x.device.type)
    if in_bfloat16 and x.shape[-2:] == (1, 1) and middle:
        weight, stride = weight[..., middle : middle + 1, middle : middle + 1], 1
    if groups > 1 and x.device.type == "cpu" and torch.is_grad_enabled():
        if torch.is_autocast_enabled("cpu"):
            x, weight = (tensor.to(torch.get_autocast_dtype("cpu")) for tensor in (x, weight))
        return Depthwise.apply(x, weight, stride)
    return F.conv2d(x, weight, None, stride, border(weight.shape[-1]), 1, groups)


class Conv2d(nn.Conv2d):
    """A convolution layer without bias, computed by `conv2d`."""

    def forward(self, x: Tensor) -> Tensor:
        return conv2d(x, self.weight, self.stride[0], self.groups)


class Depthwise(torch.autograd.Function):
    """One kernel [k, k] per channel: x [N, C, H, W], weight [C, 1, k, k]."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, stride: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.stride = stride
        return F.conv2d(x, weight, None, stride, border(weight.shape[-1]), 1, len(weight))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        x, weight = ctx.saved_tensors
        gradient = gradients[0].contiguous(memory_format=torch.channels_last)
        of_x = data_gradient(gradient, weight, ctx.stride, x) if ctx.needs_input_grad[0] else None
        of_weight = weight_gradient(gradient, x, weight, ctx.stride) if ctx.needs_input_grad[1] else None
        return of_x, of_weight, None


def data_gradient(gradient: Tensor, weight: Tensor, stride: int, x: Tensor) -> Tensor:
    """The gradient of x: the output's gradient, spread to x's pixels, convolved with the rotated kernels."""
    if stride > 1 and x.dtype == torch.float32:
        return _native(gradient, x, weight, stride, (border(weight.shape[-1]),) * 2, (True, False))
    if stride > 1:
        spread = torch.zeros_like(x)
        spread[:, :, ::stride, ::stride] = gradient
        gradient = spread
    return F.conv2d(gradient, weight.flip(2, 3), None, 1, border(weight.shape[-1]), 1, len(weight))


def weight_gradient(gradient: Tensor, x: Tensor, weight: Tensor, stride: int) -> Tensor:
    """[C, 1, k, k]: computed for a few columns of taps at a time, from the columns of x that they touch."""
    kernel, (height, width) = weight.shape[-1], x.shape[-2:]
    edge, small = border(kernel), min(height, width) < kernel
    if not small and (kernel <= COLUMNS or (stride > 1 and x.dtype == torch.float32)):
        return _native(gradient, x, weight, stride, (edge, edge), (False, True))
    reach = [stride * (size - 1) for size in gradient.shape[-2:]]  # from the first pixel under a tap to its last
    rows = (edge, reach[0] + kernel - edge - height) if small or stride > 1 else (0, 0)
    parts, first = [], 0
    for taps in weight.tensor_split(math.ceil(kernel / COLUMNS), dim=3):
        columns = reach[1] + taps.shape[-1]
        left = max(-width, min(edge - first, columns))  # taps may meet no pixel of a narrow image
        met = F.pad(x, (left, columns - left - width, *rows))  # negative numbers crop
        parts.append(_native(gradient, met, taps, stride, (edge - rows[0], 0), (False, True)))
        first += taps.shape[-1]
    return torch.cat(parts, dim=3)


def _native(
    gradient: Tensor, x: Tensor, weight: Tensor, stride: int, padding: tuple[int, int], wanted: tuple[bool, bool]
) -> Tensor:
    """torch's own gradient: of x, or of `weight` [C, 1, rows, columns]. `padding`: of rows and of columns."""
    mask = [*wanted, False]
    of_x, of_weight, _ = torch.ops.aten.convolution_backward(
        gradient, x, weight, None, [stride] * 2, padding, [1, 1], False, [0, 0], len(weight), mask
    )
    return of_x if wanted[0] else of_weight
