"""What a network with given weights is worth: its batch-norm statistics, then its accuracy."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor, nn

Model = TypeVar("Model", bound=nn.Module)
BATCH = 200  # images at a time, at most: what fits into a cache


def batches(tensor: Tensor) -> tuple[Tensor, ...]:
    """[N, ...] in the fewest parts of up to `BATCH`, which differ by one at most: each counts the same in a mean."""
    return tensor.tensor_split(-(-len(tensor) // BATCH))


@torch.no_grad()
def calibrate(network: Model, images: Tensor) -> Model:
    """Sets running statistics to the mean over `images` [N, C, H, W] (Yu & Huang 2019), and the network to eval."""
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # cumulative mean
    network.train()
    for batch in batches(images):
        network(batch.contiguous(memory_format=torch.channels_last))
    for norm in norms:
        norm.momentum = 0.1
    return network.eval()


@torch.no_grad()
def predict(network: nn.Module, images: Tensor) -> Tensor:
    """Logits [N, classes] of images [N, C, H, W], in eval mode."""
    network.eval()
    return torch.cat([network(b.contiguous(memory_format=torch.channels_last)) for b in batches(images)])


def accuracy(logits: Tensor, labels: Tensor) -> float:
    """Fraction of rows of [N, classes] whose largest entry is at the label [N]."""
    return (logits.argmax(1) == labels).float().mean().item()
