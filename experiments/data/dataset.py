"""Images as uint8, in memory or in a file; batches and subsets are pure functions of a seed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from experiments.data import kept, sampling
from experiments.data.augmentation import (
    alternating,
    crops,
    cutout,
    mirrored,
    mixup,
    offsets,
    randaugmented,
    resized_crops,
)
from experiments.data.shape import Shape
from experiments.data.splits import hold_out
from search_spaces.networks.evaluation import Images
from search_spaces.training.recipe import Augmentation

Progress = Callable[[Iterable[Any], int], Iterable[Any]]  # (items, their number) -> the same items
MOMENTS = 2**26  # bytes of images whose levels are counted at a time
AUGMENT, FIXED = 2, 3  # independent random streams from one seed; `sampling` and `augmentation` have others
PLAIN = Augmentation()


def untracked(items: Iterable[Any], total: int) -> Iterable[Any]:
    """The progress of a caller that shows no bar."""
    return items


@dataclass(frozen=True, eq=False)
class Split:
    """Rows of images shared with other splits; images are copied only when needed."""

    pixels: Tensor  # uint8 [M, C, H, W], in memory, or in a memory-mapped file
    labels: Tensor  # int64 [N]
    rows: Tensor | None = None  # int64 [N], into `pixels`; None: all rows

    @property
    def images(self) -> Tensor:
        """All images, uint8 [N, C, H, W]."""
        return self.pixels if self.rows is None else self.pixels[self.rows]

    def at(self, indices: np.ndarray) -> Split:
        """The images and labels at `indices` [n]."""
        picks = torch.from_numpy(indices).to(self.labels.device)
        return Split(self.pixels, self.labels[picks], picks if self.rows is None else self.rows[picks])

    def to(self, device: torch.device, pixels: Tensor) -> Split:
        """The same rows of `pixels`, which are this split's pixels on `device`."""
        return Split(pixels, self.labels.to(device), None if self.rows is None else self.rows.to(device))


@dataclass(frozen=True, eq=False)
class Dataset:
    """Three disjoint splits: `train` for learning weights, `validation` for selection, `test` for reporting."""

    name: str
    classes: tuple[str, ...]
    train: Split
    validation: Split
    test: Split
    mean: tuple[float, ...]  # [C], of the training images scaled to 0..1
    std: tuple[float, ...]
    flip: bool  # whether a mirrored image has the same class
    balanced: bool = False  # whether training batches have images of every class equally often
    passed: str = ""  # files that were skipped, and why
    summary: tuple[str, ...] = ()  # of a user's own images, in lines for people

    @property
    def shape(self) -> Shape:
        return Shape(self.train.pixels.shape[1], self.train.pixels.shape[3], len(self.classes))

    def to(self, device: torch.device) -> Dataset:
        """The same images on another device, which then makes the batches and subsets."""
        splits = {part: getattr(self, part) for part in ("train", "validation", "test")}
        moved = {id(pixels): pixels.to(device) for pixels in (split.pixels for split in splits.values())}
        return replace(self, **{part: split.to(device, moved[id(split.pixels)]) for part, split in splits.items()})

    def normalize(self, images: Tensor) -> Tensor:
        """uint8 [N, C, H, W] -> float32 [N, C, H, W], channels last; training images have mean 0 and deviation 1."""
        return self._normalized(images, None)[:]

    def _normalized(self, pixels: Tensor, rows: Tensor | None) -> Images:
        mean, std = (torch.tensor(values, device=pixels.device).view(1, -1, 1, 1) for values in (self.mean, self.std))
        return Images(pixels, rows, 255 * std, mean / std)

    @property
    def joined(self) -> Dataset:
        """With the validation images among the training images. None are left for validation; mean and std are kept."""
        train, held = self.train, self.validation
        pixels = train.pixels if train.pixels is held.pixels else torch.cat([train.pixels, held.pixels])
        rows = [_rows(train), _rows(held) + (0 if train.pixels is held.pixels else len(train.pixels))]
        both = Split(pixels, torch.cat([train.labels, held.labels]), torch.cat(rows))
        return replace(self, train=both, validation=held.at(np.empty(0, np.int64)))

    def batch(self, step: int, size: int, seed: int, varied: Augmentation = PLAIN) -> tuple[Tensor, Tensor]:
        """The `size` augmented, normalised images [size, C, H, W] of a training step, and their labels.

        Labels are classes [size], or of mixed images shares of classes [size, classes]. A pure function, so a resumed
        run sees the same batches. Batches are consecutive parts of an endless sequence of shuffled epochs: every image
        appears once per epoch, and every batch is full. If `balanced`, it has every class equally often instead.
        """
        count, first = len(self.train.labels), step * size
        part = (first, size, seed)
        order = sampling.balanced(self._members, *part) if self.balanced else sampling.shuffled(count, *part)
        batch, rng = self.train.at(order), np.random.default_rng((AUGMENT, seed, step))
        begin = offsets(size, self.shape.resolution, rng)
        if varied.resized_crop:
            pixels = resized_crops(batch.images, varied.resized_crop, step, seed)
        else:
            pixels = crops(batch.images, begin, varied.reflect)
        if self.flip:
            alternate = varied.alternating_flip
            pixels = mirrored(pixels, alternating(order, first, count, seed) if alternate else rng.random(size) < 0.5)
        if varied.randaugment:
            pixels = randaugmented(pixels, varied.randaugment, step, seed)
        images, labels = self.normalize(pixels), batch.labels
        if varied.cutout:
            images = cutout(images, varied.cutout, step, seed)
        if varied.mixup:
            images, labels = mixup(images, labels, len(self.classes), varied.mixup, step, seed)
        return images, labels

    @cached_property
    def _members(self) -> list[np.ndarray]:
        """The indices of the training images of every class that has some."""
        labels = self.train.labels.cpu().numpy()
        return [np.flatnonzero(labels == label) for label in np.unique(labels)]

    def fixed(self, split: Split, count: int, seed: int) -> tuple[Images, Tensor]:
        """`count` images of a split (0: all), normalised a batch at a time, and their labels."""
        if 0 < count < len(split.labels):
            split = split.at(np.random.default_rng((FIXED, seed)).permutation(len(split.labels))[:count])
        return self._normalized(split.pixels, split.rows), split.labels


def assemble(
    name: str,
    classes: Sequence[str],
    train: Split,
    validation: Split,
    test: Split,
    flip: bool = True,
    cache: str = "",
    pixels: Any = None,
) -> Dataset:
    """A data set, with the mean and deviation of its training images.

    With a folder `cache` they are stored for the next command; `pixels` then identifies the training images.
    """
    rows = None if train.rows is None else hashlib.sha256(train.rows.numpy().tobytes()).hexdigest()
    key = ["moments", pixels, rows]
    known = kept.load(cache, key)
    if not known:
        known = dict(zip(("mean", "std"), _moments(train)))
        kept.keep(cache, key, known)
    mean, std = tuple(known["mean"]), tuple(known["std"])
    return Dataset(name, tuple(classes), train, validation, test, mean, std, flip)


def with_validation(split: Split, fraction: float, seed: int, classes: Sequence[str]) -> tuple[Split, Split]:
    """(train, validation), drawn from a published training split."""
    kept, held = hold_out(split.labels.numpy(), fraction, seed, "validation", classes)
    return split.at(kept), split.at(held)


def _rows(split: Split) -> Tensor:
    return torch.arange(len(split.labels), device=split.labels.device) if split.rows is None else split.rows


def _moments(split: Split) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation per channel on the scale 0..1, exact from a histogram of the 256 levels."""
    count, each = len(split.labels), max(1, MOMENTS // split.pixels[:1].numel())
    counts = [
        torch.stack([torch.bincount(channel.flatten(), minlength=256) for channel in part.unbind(1)])
        for part in (split.at(np.arange(first, min(first + each, count))).images for first in range(0, count, each))
    ]
    weights = torch.stack(counts).sum(0).double()
    weights /= weights.sum(1, keepdim=True)
    levels = torch.linspace(0, 1, 256, dtype=torch.float64)
    mean = (weights * levels).sum(1)
    std = (weights * (levels - mean[:, None]) ** 2).sum(1).sqrt()
    return tuple(mean.tolist()), tuple(std.clamp_min(1 / 255).tolist())  # a blank channel has no deviation
