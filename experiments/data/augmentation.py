"""Variations of training images. Each is drawn from a stream of its own, so that one is switched without the others."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

CUTOUT, MIXUP, FLIP = 4, 5, 6  # random streams from one seed, beside those of `dataset`


def crops(images: Tensor, rng: np.random.Generator, reflect: bool = False) -> Tensor:
    """Random crops of uint8 [N, C, H, W] after padding by 1/8 (He et al. 2016, section 4.2); zeros or reflected."""
    count, _, _, pixels = images.shape
    border = pixels // 8
    rows, columns = torch.from_numpy(rng.integers(0, 2 * border + 1, (2, count))).to(images.device)
    padded = _reflected(images, border) if reflect else F.pad(images, (border,) * 4)
    windows = padded.unfold(2, pixels, 1).unfold(3, pixels, 1)
    return windows[torch.arange(count, device=images.device), :, rows, columns]


def _reflected(images: Tensor, border: int) -> Tensor:
    """Padded by reflection; torch does not reflect bytes."""
    last = images.shape[3] - 1
    places = last - (last - torch.arange(-border, last + border + 1, device=images.device).abs()).abs()
    return images[:, :, places][:, :, :, places]


def mirrored(images: Tensor, chosen: np.ndarray) -> Tensor:
    """The images with those mirrored that are `chosen`, bool [N]."""
    return torch.where(torch.from_numpy(chosen).to(images.device)[:, None, None, None], images.flip(3), images)


def alternating(indices: np.ndarray, first: int, count: int, seed: int) -> np.ndarray:
    """Whether the images `indices` [n] are mirrored, which stand at `first` and after in the sequence of epochs.

    An image is mirrored in every second epoch; half of the `count` images in the first one (Jordan 2024).
    """
    epochs = (first + np.arange(len(indices))) // count
    return _first_mirrored(count, seed)[indices] ^ (epochs % 2 == 1)


@lru_cache(maxsize=4)
def _first_mirrored(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng((FLIP, seed)).random(count) < 0.5


def cutout(images: Tensor, width: float, step: int, seed: int) -> Tensor:
    """Normalised images [N, C, H, W] with the mean in a square around a random pixel (DeVries & Taylor 2017).

    `width` is a fraction of the image's. The part of a square that lies outside an image is lost, as published.
    """
    count, _, _, pixels = images.shape
    side = round(width * pixels)
    corners = np.random.default_rng((CUTOUT, seed, step)).integers(0, pixels, (2, count, 1)) - side // 2
    rows, columns = torch.from_numpy(corners).to(images.device)
    places = torch.arange(pixels, device=images.device)
    in_rows, in_columns = ((places >= at) & (places < at + side) for at in (rows, columns))
    return images.masked_fill((in_rows[:, :, None] & in_columns[:, None, :])[:, None], 0)


def mixup(images: Tensor, labels: Tensor, classes: int, alpha: float, step: int, seed: int) -> tuple[Tensor, Tensor]:
    """Each image mixed with another of the batch, and the shares of its classes [N, classes] (Zhang et al. 2018).

    One ratio for the batch, from Beta(alpha, alpha), as in the authors' code.
    """
    rng = np.random.default_rng((MIXUP, seed, step))
    ratio = float(rng.beta(alpha, alpha))
    other = torch.from_numpy(rng.permutation(len(labels))).to(images.device)
    shares = F.one_hot(labels, classes).to(images.dtype)
    return torch.lerp(images[other], images, ratio), torch.lerp(shares[other], shares, ratio)


def halved(images: Tensor) -> Tensor:
    """Images [N, C, H, W] of half the width, each pixel the mean of four."""
    return F.avg_pool2d(images, 2)
