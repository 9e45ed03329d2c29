"""Counts images that show almost the same as an image of another split: they make an accuracy look too high.

The perceptual hash of an image is its grey thumbnail, without its mean and contrast. Two images are near-duplicates if
their hashes correlate by at least `ALIKE`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from experiments.data.dataset import Split

SIDE = 16  # pixels of a thumbnail
ALIKE = 0.97
CHUNK = 2**24  # bytes of images, or pairs of images, at a time
MOST = 2 * 10**8  # pairs; of larger splits, only some images are checked


class Near(NamedTuple):
    alike: int  # images with a near-duplicate in the other split
    checked: int


def near_duplicates(images: Split, others: Split) -> Near:
    """How many of `images` have a near-duplicate among `others`."""
    count = min(len(images.labels), max(1, MOST // len(others.labels)))
    picks = np.random.default_rng(0).permutation(len(images.labels))[:count]
    ours, theirs = hashes(images.at(np.sort(picks))), hashes(others)
    parts = ours.split(max(1, CHUNK // len(theirs)))
    alike = sum(int(((part @ theirs.T).amax(1) >= ALIKE).sum()) for part in parts)
    return Near(alike, count)


def hashes(split: Split) -> Tensor:
    """float32 [N, SIDE * SIDE]: zero mean, unit length; all zeros for an image of one colour, which is like none."""
    count, each = len(split.labels), max(1, CHUNK // split.pixels[:1].numel())
    found = []
    for first in range(0, count, each):
        grey = split.at(np.arange(first, min(first + each, count))).images.float().mean(1, keepdim=True)
        small = F.interpolate(grey, (SIDE, SIDE), mode="bilinear", antialias=True).flatten(1)
        small = small - small.mean(1, keepdim=True)
        norms = small.norm(dim=1, keepdim=True)
        found.append(torch.where(norms > SIDE, small / norms.clamp_min(1e-6), 0.0))  # a deviation of one level
    return torch.cat(found)
