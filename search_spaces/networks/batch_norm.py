"""Batch norm with the statistics of the whole batch, even if several processes each hold a part of it."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, distributed


def batch_norm(x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    """Normalises [N, C, H, W] per channel over N, H, W (Ioffe & Szegedy 2015); `weight` and `bias` [C].

    All processes must hold the same number of images.
    """
    if not distributed.is_initialized():
        return F.batch_norm(x, None, None, weight, bias, training=True, eps=eps)
    y = x.float() if x.dtype == torch.bfloat16 else x
    variance, own = torch.var_mean(y, (0, 2, 3), correction=0)
    mean = _mean(own)
    variance = _mean(variance + (own - mean).square())
    scale = weight * torch.rsqrt(variance + eps)
    return torch.addcmul((bias - mean * scale)[:, None, None], y, scale[:, None, None]).to(x.dtype)


def _mean(x: Tensor) -> Tensor:
    return Total.apply(x) / distributed.get_world_size()


class Total(torch.autograd.Function):
    """The sum of a tensor over all processes; losses are summed over processes too."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        total = x.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return Total.apply(gradients[0])
