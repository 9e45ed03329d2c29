"""Data sets of labelled images, by name. Imports no torch: a data set is imported when it is read."""

from __future__ import annotations

import os
from typing import NamedTuple

from experiments.config.reference import Reference
from experiments.config.registry import DATASETS
from experiments.data.shape import Shape
from search_spaces.errors import unknown

__all__ = ["COUNTS", "DATASETS", "DECODER", "SHAPES", "Shape", "shape_of"]
DECODER = 1  # to be raised when a change of `decoding` changes the pixels
CHECK = Reference("experiments.data.splits:check")
CONTENTS = Reference("experiments.data.image_hashes:contents")
READ_TREE = Reference("experiments.data.image_tree:read_tree")
SHAPES = {"digits": (1, 10), "cifar10": (3, 10), "fashion_mnist": (1, 10)}  # channels, classes


class Count(NamedTuple):
    """Numbers of images of a published data set; `train` includes the validation images."""

    train: int
    test: int


COUNTS = {"digits": Count(1_437, 360), "cifar10": Count(50_000, 10_000), "fashion_mnist": Count(60_000, 10_000)}


def shape_of(name: str, path: str, size: int, cache: str = "") -> Shape:
    """The shape of a data set; decodes and downloads no image."""
    if name not in DATASETS:
        raise unknown("data set", name, DATASETS)
    CHECK(size)
    if name in SHAPES:
        channels, classes = SHAPES[name]
        return Shape(channels, size, classes)
    archived = os.path.isfile(os.path.expanduser(path))
    tree = CONTENTS(path, cache).tree if cache and archived else READ_TREE(path)  # does not read a known archive again
    return Shape(3, size, len(tree.classes))
