"""What a network with given weights is worth: its batch-norm statistics, then its accuracy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

Model = TypeVar("Model", bound=nn.Module)
BATCH = 200  # images at a time, at most: what fits into a cache


@dataclass(frozen=True, eq=False)
class Images:
    """Images that are bytes until a part of them is asked for: `images[a:b]` is normalised, float32 [b - a, C, H, W].

    All of them as floats may be more than memory holds; `batches` never asks for more than `BATCH`.
    """

    pixels: Tensor  # uint8 [M, C, H, W]
    rows: Tensor | None  # int64 [N], of `pixels`; None: all of them
    scale: Tensor  # float32 [1, C, 1, 1]: of 255 levels, one deviation
    shift: Tensor  # float32 [1, C, 1, 1]: the mean, in deviations

    def __len__(self) -> int:
        return len(self.pixels if self.rows is None else self.rows)

    def __getitem__(self, part: slice) -> Tensor:
        pixels = self.pixels[part] if self.rows is None else self.pixels[self.rows[part]]
        return pixels.to(torch.float32, memory_format=torch.channels_last).div_(self.scale).sub_(self.shift)

    def __reduce__(self) -> tuple[type[Images], tuple[Tensor, None, Tensor, Tensor]]:
        own = self.pixels.clone() if self.rows is None else self.pixels[self.rows]
        return Images, (own, None, self.scale, self.shift)  # another process is sent no image beside these

    @property
    def shape(self) -> tuple[int, ...]:
        return len(self), *self.pixels.shape[1:]

    @property
    def device(self) -> torch.device:
        return self.pixels.device

    def numpy(self) -> np.ndarray:
        """All of them, float32 [N, C, H, W]: for a few."""
        return np.ascontiguousarray(self[:].numpy())


def batches(images: Tensor | Images) -> Sequence[Tensor] | Iterator[Tensor]:
    """[N, ...] in the fewest parts of up to `BATCH`, which differ by one at most: each counts the same in a mean."""
    parts = -(-len(images) // BATCH)
    if isinstance(images, Tensor):
        return images.tensor_split(parts)
    return (images[part[0] : part[-1] + 1] for part in np.array_split(np.arange(len(images)), parts))


@torch.no_grad()
def calibrate(network: Model, images: Tensor | Images) -> Model:
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
def predict(network: nn.Module, images: Tensor | Images) -> Tensor:
    """Logits [N, classes] of images [N, C, H, W], in eval mode."""
    network.eval()
    return torch.cat([network(b.contiguous(memory_format=torch.channels_last)) for b in batches(images)])


def accuracy(logits: Tensor, labels: Tensor) -> float:
    """Fraction of rows of [N, classes] whose largest entry is at the label [N]."""
    return (logits.argmax(1) == labels).float().mean().item()
