"""Variations of training images. Each is drawn from a stream of its own, so that one is switched without the others."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

CUTOUT, MIXUP, FLIP, RESIZED, RANDAUGMENT = 4, 5, 6, 7, 8  # random streams from one seed, beside those of `dataset`
ASPECT = 4 / 3  # the largest of a resized crop, and its inverse the smallest
ALIKE = 8  # images of a batch that RandAugment changes alike, which takes an eighth of the time


def offsets(count: int, pixels: int, rng: np.random.Generator) -> Tensor:
    """Where `crops` begin, [2, count]: rows and columns of the padded images."""
    return torch.from_numpy(rng.integers(0, 2 * (pixels // 8) + 1, (2, count)))


def crops(images: Tensor, offsets: Tensor, reflect: bool = False) -> Tensor:
    """Crops of uint8 [N, C, H, W] after padding by 1/8 (He et al. 2016, section 4.2); zeros or reflected."""
    count, _, _, pixels = images.shape
    border = pixels // 8
    rows, columns = offsets.to(images.device)
    padded = _reflected(images, border) if reflect else F.pad(images, (border,) * 4)
    windows = padded.unfold(2, pixels, 1).unfold(3, pixels, 1)
    return windows[torch.arange(count, device=images.device), :, rows, columns]


def _reflected(images: Tensor, border: int) -> Tensor:
    """Padded by reflection; torch does not reflect bytes."""
    last = images.shape[3] - 1
    places = last - (last - torch.arange(-border, last + border + 1, device=images.device).abs()).abs()
    return images[:, :, places][:, :, :, places]


def resized_crops(images: Tensor, smallest: float, step: int, seed: int) -> Tensor:
    """Random parts of uint8 [N, C, H, W], enlarged to the images' size (Szegedy et al. 2015), bilinear.

    A part has at least the fraction `smallest` of the image's pixels, and an aspect ratio of 3/4 to 4/3 as far as it
    fits into the image.
    """
    rng, count = np.random.default_rng((RESIZED, seed, step)), len(images)
    areas, aspects = rng.uniform(smallest, 1, count), ASPECT ** rng.uniform(-1, 1, count)
    width = np.sqrt(areas * aspects).clip(areas, 1)
    height = areas / width
    # affine_grid's coordinates reach from -1 to 1, so a part's middle lies within 1 - its size
    across, down = ((1 - size) * rng.uniform(-1, 1, count) for size in (width, height))
    none = np.zeros(count)
    affine = np.array([[width, none, across], [none, height, down]]).transpose(2, 0, 1)
    where = torch.from_numpy(affine).float().to(images.device)
    with torch.autocast(images.device.type, enabled=False):  # bfloat16 is too coarse for coordinates
        grid = F.affine_grid(where, list(images.shape), align_corners=False)
        parts = F.grid_sample(images.float(), grid, padding_mode="border", align_corners=False)
    return parts.round_().to(torch.uint8)


def randaugmented(images: Tensor, magnitude: int, step: int, seed: int) -> Tensor:
    """uint8 [N, C, H, W] after two random changes of colours or geometry (Cubuk et al. 2020), as torchvision has them.

    Every `ALIKE` images of the batch are changed alike. Leaves torch's own random stream as it was.
    """
    from torchvision.transforms import RandAugment  # takes seconds

    change = RandAugment(magnitude=magnitude)
    drawn = int(np.random.default_rng((RANDAUGMENT, seed, step)).integers(0, 2**63))
    with torch.random.fork_rng(devices=[]), torch.autocast(images.device.type, enabled=False):
        torch.default_generator.manual_seed(drawn)  # the CPU's, from which torchvision draws
        return torch.cat([change(group) for group in images.split(ALIKE)])


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
