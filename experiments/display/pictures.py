"""The demo's images: test images, a folder, or a camera; all cropped and resized as in training."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch

from experiments.data.dataset import Dataset
from experiments.data.entries import entries
from experiments.data.entry import is_image
from predictors.board import own_images
from predictors.board.classifier import Frame
from predictors.board.image_decoding import SUFFIXES, decode, square
from search_spaces.errors import LutraError
from search_spaces.networks.resizing import resized

SHARP = 320  # pixels of a picture for display


def frames_of(source: str, data: Dataset, seed: int, skipped: Callable[[str], object]) -> Iterator[Frame]:
    """The frames of a source, shuffled by `seed`. Raises LutraError before the first frame if there are none.

    `skipped` receives one line for each file in a folder that is not an image.
    """
    if not source:
        return test_images(data, seed)
    if source.split(":")[0] == own_images.CAMERA and not Path(source).exists():
        return camera(source.partition(":")[2], data)
    return folder(Path(source).expanduser(), data, seed, skipped)


def sized(frame: Frame, pixels: int) -> Frame:
    """The frame in the size that a network takes, bilinear; itself if it has that size."""
    if frame.pixels.shape[0] == pixels:
        return frame
    image = torch.from_numpy(np.ascontiguousarray(frame.pixels)).permute(2, 0, 1)[None].float()
    smaller = resized(image, pixels).round().clamp(0, 255).byte()[0].permute(1, 2, 0).numpy()
    return replace(frame, pixels=smaller)


def test_images(data: Dataset, seed: int) -> Iterator[Frame]:
    for index in np.random.default_rng(seed).permutation(len(data.test.labels)):
        one = data.test.at(index[None])
        yield Frame(one.images[0].permute(1, 2, 0).numpy(), int(one.labels[0]))


def folder(root: Path, data: Dataset, seed: int, skipped: Callable[[str], object]) -> Iterator[Frame]:
    """The image `root`, or every image below it; one in a folder named after a class, or below it, has that label."""
    if root.is_file():
        return _decoded([root], root.parent, data, skipped)
    if not root.is_dir():
        raise LutraError(f"there is no folder or image {str(root)!r}: demo.source must be one of them, or camera")
    files = sorted(Path(entry.file) for entry in entries(str(root)) if entry.read and is_image(entry.parts))
    if not files:
        raise LutraError(f"{root} has no images, ending in {', '.join(SUFFIXES)}: give demo.source another folder")
    Random(seed).shuffle(files)
    return _decoded(files, root, data, skipped)


def _decoded(files: list[Path], root: Path, data: Dataset, skipped: Callable[[str], object]) -> Iterator[Frame]:
    for path, pixels in own_images.readable(files, data.shape.in_channels, data.shape.resolution, skipped):
        label = own_images.label_of(path, data.classes, root)
        yield Frame(pixels, label, partial(decode, str(path), path.read_bytes, SHARP))


def camera(number: str, data: Dataset) -> Iterator[Frame]:
    """The images of a camera until it stops; `number` counts from 0, and is 0 if empty."""
    channels, size = data.shape.in_channels, data.shape.resolution
    return (
        Frame(own_images.in_channels(square(rgb, size), channels), None, partial(square, rgb, SHARP))
        for rgb in own_images.camera(number)
    )


def opencv(why: str) -> Any:
    """The OpenCV module, which is an optional dependency."""
    try:
        import cv2
    except ImportError:
        raise LutraError(f"OpenCV is not installed, and {why}: pip install opencv-python-headless") from None
    return cv2
