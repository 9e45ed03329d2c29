"""Published data sets by name: scikit-learn's digits, and two that torchvision downloads.

torchvision takes seconds to import, so it is imported where it is used. `progress` is unused here, because
torchvision draws its own bar, but all loaders have the same parameters.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from http.client import HTTPException
from importlib.metadata import distribution
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from experiments.data.dataset import Dataset, Progress, Split, assemble, untracked, with_validation
from experiments.data.splits import TEST_FRACTION, TEST_SEED, check, hold_out
from experiments.data.store import Put, stored
from search_spaces.errors import LutraError

CHUNK = 2**26  # values resized at a time


def digits(
    path: str, size: int, validation: float, seed: int, progress: Progress = untracked, cache: str = ""
) -> Dataset:
    """1,797 handwritten digits of 8x8 pixels (Alpaydin & Kaynak 1998), included in scikit-learn: `path` is not used."""
    check(size, validation, seed)
    rows = _digits()
    levels, labels = rows[:, :-1].reshape(-1, 1, 8, 8), rows[:, -1].astype(int)
    classes = [str(digit) for digit in range(10)]
    images = (torch.from_numpy(levels) * (255 / 16)).round().byte()
    everything = Split(_resized(images, size, "digits", cache), torch.from_numpy(labels))
    kept, held = hold_out(labels, TEST_FRACTION, TEST_SEED, "test", classes)
    train, selection = with_validation(everything.at(kept), validation, seed, classes)
    return assemble("digits", classes, train, selection, everything.at(held), flip=False)


@functools.cache
def _digits() -> np.ndarray:
    """Returns a row for each digit, its 64 levels from 0 to 16 and its label; importing scikit-learn takes a second."""
    return np.loadtxt(
        str(distribution("scikit-learn").locate_file("sklearn/datasets/data/digits.csv.gz")), delimiter=","
    )


def cifar10(
    path: str, size: int, validation: float, seed: int, progress: Progress = untracked, cache: str = ""
) -> Dataset:
    """60,000 photographs of 32x32 pixels (Krizhevsky 2009), found in `path` or downloaded to it."""
    from torchvision.datasets import CIFAR10

    check(size, validation, seed)
    train, test = _fetch("CIFAR-10", CIFAR10, path)
    parts = [
        Split(_resized(torch.from_numpy(part.data).permute(0, 3, 1, 2), size, f"cifar10 {role}", cache), labels)
        for role, part, labels in (
            ("train", train, torch.tensor(train.targets)),
            ("test", test, torch.tensor(test.targets)),
        )
    ]
    splits = *with_validation(parts[0], validation, seed, train.classes), parts[1]
    return assemble("cifar10", train.classes, *splits, cache=cache, pixels=_key("cifar10 train", size))


def fashion_mnist(
    path: str, size: int, validation: float, seed: int, progress: Progress = untracked, cache: str = ""
) -> Dataset:
    """70,000 grey images of clothes, 28x28 pixels (Xiao et al. 2017), found in `path` or downloaded to it."""
    from torchvision.datasets import FashionMNIST

    check(size, validation, seed)
    train, test = _fetch("Fashion-MNIST", FashionMNIST, path)
    parts = [
        Split(_resized(part.data[:, None], size, f"fashion_mnist {role}", cache), part.targets.long())
        for role, part in (("train", train), ("test", test))
    ]
    splits = *with_validation(parts[0], validation, seed, train.classes), parts[1]
    return assemble("fashion_mnist", train.classes, *splits, cache=cache, pixels=_key("fashion_mnist train", size))


def _fetch(title: str, source: Callable[..., Any], path: str) -> tuple[Any, Any]:
    """torchvision's (train, test). Raises LutraError if it is not in `path` and cannot be downloaded."""
    try:
        return source(path, train=True, download=True), source(path, train=False, download=True)
    except (OSError, RuntimeError, HTTPException, AssertionError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise LutraError(
            f"{title} is neither in {path!r} nor could it be downloaded there ({reason}); without a network, "
            "give a tree of class folders: data=image_folder data.path=..."
        ) from error


def _resized(images: Tensor, size: int, name: str, cache: str) -> Tensor:
    """uint8 [N, C, H, W] -> uint8 [N, C, size, size], bilinear."""
    if images.shape[2:] == (size, size):
        return images
    count, channels = images.shape[:2]
    each = max(1, min(1000, CHUNK // (channels * size * size)))

    def fill(put: Put) -> None:
        for first in range(0, count, each):
            chunk = images[first : first + each].float()
            large = F.interpolate(chunk, (size, size), mode="bilinear", antialias=True)
            put(first, large.round().byte().permute(0, 2, 3, 1).numpy())

    return stored(cache, _key(name, size), (count, size, size, channels), fill)


def _key(name: str, size: int) -> list[Any]:
    """What resized images depend on."""
    return [name, size, torch.__version__]
