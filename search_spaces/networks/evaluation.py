"""Evaluates a network with given weights: calibrates its batch-norm statistics, then computes its accuracy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

Model = TypeVar("Model", bound=nn.Module)
BATCH = 200  # most images at a time, so that they fit in a cache


@dataclass(frozen=True, eq=False)
class Images:
    """Images kept as bytes: `images[a:b]` is normalised on access, float32 [b - a, C, H, W].

    All of them as floats may not fit in memory; `batches` never takes more than `BATCH`.
    """

    pixels: Tensor  # uint8 [M, C, H, W]
    rows: Tensor | None  # int64 [N], into `pixels`; None: all rows
    scale: Tensor  # float32 [1, C, 1, 1]: one standard deviation, in levels of 0..255
    shift: Tensor  # float32 [1, C, 1, 1]: the mean, in standard deviations

    def __len__(self) -> int:
        return len(self.pixels if self.rows is None else self.rows)

    def __getitem__(self, part: slice) -> Tensor:
        return self.raw(part).to(torch.float32, memory_format=torch.channels_last).div_(self.scale).sub_(self.shift)

    def raw(self, part: slice) -> Tensor:
        """uint8 [b - a, C, H, W]: the images of the slice, not normalised."""
        return self.pixels[part] if self.rows is None else self.pixels[self.rows[part]]

    def __reduce__(self) -> tuple[type[Images], tuple[Tensor, None, Tensor, Tensor]]:
        own = self.pixels.clone() if self.rows is None else self.pixels[self.rows]
        return Images, (own, None, self.scale, self.shift)  # sends only these rows to another process

    @property
    def shape(self) -> tuple[int, ...]:
        return len(self), *self.pixels.shape[1:]

    @property
    def device(self) -> torch.device:
        return self.pixels.device

    def numpy(self) -> np.ndarray:
        """All images, float32 [N, C, H, W]; meant for few."""
        return np.ascontiguousarray(self[:].numpy())


def batches(images: Tensor | Images) -> Sequence[Tensor] | Iterator[Tensor]:
    """[N, ...] in the fewest parts of at most `BATCH`, of nearly equal size, so that means weigh them alike."""
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
    """The fraction of rows of [N, classes] whose largest entry is at the label [N]."""
    return (logits.argmax(1) == labels).float().mean().item()
