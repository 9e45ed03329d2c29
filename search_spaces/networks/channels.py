"""The first channels of a tensor for several networks; adds their gradients in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


def first_channels(x: Tensor, widths: Sequence[int]) -> list[Tensor]:
    """[N, C, ...] -> one tensor of first channels for each of `widths`; the largest width is C."""
    distinct = sorted(set(widths))
    cut = dict(zip(distinct, FirstChannels.apply(x, distinct) if len(distinct) > 1 else [x]))
    return [cut[width] for width in widths]


class FirstChannels(torch.autograd.Function):
    """Copies of first channels, and the sum of their gradients; widths are ascending."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, widths: Sequence[int]) -> tuple[Tensor, ...]:
        maps = x.ndim == 4 and x.is_contiguous(memory_format=torch.channels_last)
        layout = torch.channels_last if maps else torch.contiguous_format
        return tuple(x[:, :width].contiguous(memory_format=layout) for width in widths)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        total = gradients[-1].clone()
        for gradient in gradients[:-1]:
            total[:, : gradient.shape[1]] += gradient
        return total, None
