"""Published data sets by name: scikit-learn's digits, and two that torchvision downloads.

Their libraries take seconds to import, so each is imported where it is used. `progress` is there because all loaders
are called alike; torchvision draws its own bar.
"""

from __future__ import annotations

from collections.abc import Callable
from http.client import HTTPException
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from experiments.data.dataset import Dataset, Progress, Split, assemble, untracked, with_validation
from experiments.data.splits import TEST_FRACTION, TEST_SEED, check, hold_out
from search_spaces.errors import LutraError


def digits(path: str, size: int, validation: float, seed: int, progress: Progress = untracked) -> Dataset:
    """1,797 handwritten digits of 8x8 pixels (Alpaydin & Kaynak 1998), embedded in scikit-learn: `path` is not read."""
    from sklearn.datasets import load_digits

    check(size, validation, seed)
    source = load_digits()
    classes = [str(digit) for digit in range(10)]
    levels = torch.from_numpy(source.images)[:, None] * (255 / 16)
    everything = Split(_resize(levels.round().byte(), size), torch.from_numpy(source.target).long())
    kept, held = hold_out(source.target, TEST_FRACTION, TEST_SEED, "test", classes)
    train, selection = with_validation(everything.at(kept), validation, seed, classes)
    return assemble("digits", classes, train, selection, everything.at(held), flip=False)


def cifar10(path: str, size: int, validation: float, seed: int, progress: Progress = untracked) -> Dataset:
    """60,000 photographs of 32x32 pixels (Krizhevsky 2009), found in `path` or downloaded to it."""
    from torchvision.datasets import CIFAR10

    check(size, validation, seed)
    train, test = _fetch("CIFAR-10", CIFAR10, path)
    parts = [
        Split(_resize(torch.from_numpy(part.data).permute(0, 3, 1, 2), size), torch.tensor(part.targets))
        for part in (train, test)
    ]
    return assemble("cifar10", train.classes, *with_validation(parts[0], validation, seed, train.classes), parts[1])


def fashion_mnist(path: str, size: int, validation: float, seed: int, progress: Progress = untracked) -> Dataset:
    """70,000 grey images of clothes, 28x28 pixels (Xiao et al. 2017), found in `path` or downloaded to it."""
    from torchvision.datasets import FashionMNIST

    check(size, validation, seed)
    train, test = _fetch("Fashion-MNIST", FashionMNIST, path)
    parts = [Split(_resize(part.data[:, None], size), part.targets.long()) for part in (train, test)]
    return assemble(
        "fashion_mnist", train.classes, *with_validation(parts[0], validation, seed, train.classes), parts[1]
    )


def _fetch(title: str, source: Callable[..., Any], path: str) -> tuple[Any, Any]:
    """torchvision's (train, test); LutraError where it is neither in `path` nor can be downloaded."""
    try:
        return source(path, train=True, download=True), source(path, train=False, download=True)
    except (OSError, RuntimeError, HTTPException, AssertionError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise LutraError(
            f"{title} is neither in {path!r} nor could it be downloaded there ({reason}); without a network, "
            "give a tree of class folders: data=image_folder data.path=..."
        ) from error


def _resize(images: Tensor, size: int) -> Tensor:
    """uint8 [N, C, H, W] -> uint8 [N, C, size, size], bilinear."""
    if images.shape[2:] == (size, size):
        return images
    chunks = [
        F.interpolate(chunk.float(), (size, size), mode="bilinear", antialias=True) for chunk in images.split(1000)
    ]
    return torch.cat([chunk.round().byte() for chunk in chunks])
