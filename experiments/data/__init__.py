"""Images with classes: a data set by name, as tensors in memory."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import NamedTuple

from experiments.data.dataset import Dataset, Shape, Split
from experiments.data.image_folder import image_folder
from experiments.data.image_hashes import contents
from experiments.data.image_tree import read_tree
from experiments.data.published import cifar10, digits, fashion_mnist
from experiments.data.splits import check
from search_spaces.errors import unknown

__all__ = ["COUNTS", "DATASETS", "SHAPES", "Dataset", "Shape", "Split", "shape_of"]

# (path, size in pixels, validation fraction of the training images, seed of that split, progress, cache) -> Dataset
DATASETS: dict[str, Callable[..., Dataset]] = {
    "digits": digits,
    "cifar10": cifar10,
    "fashion_mnist": fashion_mnist,
    "image_folder": image_folder,
}
SHAPES = {"digits": (1, 10), "cifar10": (3, 10), "fashion_mnist": (1, 10)}  # channels, classes


class Count(NamedTuple):
    """Images of a published data set, those held out for validation among `train`."""

    train: int
    test: int


COUNTS = {"digits": Count(1_437, 360), "cifar10": Count(50_000, 10_000), "fashion_mnist": Count(60_000, 10_000)}


def shape_of(name: str, path: str, size: int, cache: str = "") -> Shape:
    """The shape that a data set will have: no image is decoded, nothing downloaded."""
    if name not in DATASETS:
        raise unknown("data set", name, DATASETS)
    check(size)
    if name in SHAPES:
        channels, classes = SHAPES[name]
        return Shape(channels, size, classes)
    archived = os.path.isfile(os.path.expanduser(path))
    tree = contents(path, cache).tree if cache and archived else read_tree(path)  # an archive that is known is not read
    return Shape(3, size, len(tree.classes))
