"""Images with classes: a data set by name, as tensors in memory."""

from __future__ import annotations

from collections.abc import Callable

from experiments.data.dataset import Dataset, Shape, Split
from experiments.data.image_folder import image_folder
from experiments.data.image_tree import read_tree
from experiments.data.published import cifar10, digits, fashion_mnist
from experiments.data.splits import check
from search_spaces.errors import unknown

__all__ = ["DATASETS", "Dataset", "Shape", "Split", "shape_of"]

# (path, size in pixels, validation fraction of the training images, seed of that split, progress) -> Dataset
DATASETS: dict[str, Callable[..., Dataset]] = {
    "digits": digits,
    "cifar10": cifar10,
    "fashion_mnist": fashion_mnist,
    "image_folder": image_folder,
}
SHAPES = {"digits": (1, 10), "cifar10": (3, 10), "fashion_mnist": (1, 10)}  # channels, classes


def shape_of(name: str, path: str, size: int) -> Shape:
    """The shape that a data set will have, from names alone: no image is decoded, nothing downloaded."""
    if name not in DATASETS:
        raise unknown("data set", name, DATASETS)
    check(size)
    channels, classes = SHAPES[name] if name in SHAPES else (3, len(read_tree(path).classes))
    return Shape(channels, size, classes)
