"""The demo's images: test images, a folder, or a camera; all cropped and resized as in training."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from PIL import Image

from experiments.data.dataset import Dataset
from experiments.data.entries import SUFFIXES, entries, is_image
from predictors.board.classifier import Frame
from predictors.board.image_decoding import decode, square
from search_spaces.errors import LutraError

CAMERA = "camera"
SHARP = 320  # pixels of a picture for display


def frames_of(source: str, data: Dataset, seed: int, skipped: Callable[[str], object]) -> Iterator[Frame]:
    """The frames of a source, shuffled by `seed`. Raises LutraError before the first frame if there are none.

    `skipped` receives one line for each file in a folder that is not an image.
    """
    if not source:
        return test_images(data, seed)
    if source.split(":")[0] == CAMERA and not Path(source).exists():
        return camera(source, data)
    return folder(Path(source).expanduser(), data, seed, skipped)


def test_images(data: Dataset, seed: int) -> Iterator[Frame]:
    for index in np.random.default_rng(seed).permutation(len(data.test.labels)):
        one = data.test.at(index[None])
        yield Frame(one.images[0].permute(1, 2, 0).numpy(), int(one.labels[0]))


def folder(root: Path, data: Dataset, seed: int, skipped: Callable[[str], object]) -> Iterator[Frame]:
    """Every image below `root`; an image in a folder named after a class has that label."""
    if not root.is_dir():
        raise LutraError(f"there is no folder {str(root)!r}: demo.source must be a folder of images, or camera")
    files = sorted(Path(entry.file) for entry in entries(str(root)) if entry.read and is_image(entry.parts))
    if not files:
        raise LutraError(f"{root} has no images, ending in {', '.join(SUFFIXES)}: give demo.source another folder")
    Random(seed).shuffle(files)
    return _decoded(files, data, skipped)


def _decoded(files: list[Path], data: Dataset, skipped: Callable[[str], object]) -> Iterator[Frame]:
    channels, size = data.shape.in_channels, data.shape.resolution
    labels = {name: label for label, name in enumerate(data.classes)}
    for path in files:
        try:
            pixels = _channels(decode(str(path), path.read_bytes, size), channels)
        except LutraError as error:
            skipped(f"skipped: {error}")
        else:
            yield Frame(pixels, labels.get(path.parent.name), partial(decode, str(path), path.read_bytes, SHARP))


def camera(source: str, data: Dataset) -> Iterator[Frame]:
    """The images of a webcam until it stops; `source` is camera, or camera:1 for the second."""
    number = source.partition(":")[2] or "0"
    if not number.isdigit():
        raise LutraError(f"there is no camera {source!r}: demo.source=camera is the first, camera:1 the second")
    cv2 = opencv("a camera needs it")
    capture = cv2.VideoCapture(int(number))
    if not capture.isOpened():
        raise LutraError(
            f"camera {number} cannot be opened: connect it, close other programs that use it, or give a folder"
        )
    return _captured(cv2, capture, data)


def _captured(cv2: Any, capture: Any, data: Dataset) -> Iterator[Frame]:
    channels, size = data.shape.in_channels, data.shape.resolution
    try:
        while True:
            seen, image = capture.read()
            if not seen:
                return
            rgb = Image.fromarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
            yield Frame(_channels(square(rgb, size), channels), None, partial(square, rgb, SHARP))
    finally:
        capture.release()


def opencv(why: str) -> Any:
    """The OpenCV module, which is an optional dependency."""
    try:
        import cv2
    except ImportError:
        raise LutraError(f"OpenCV is not installed, and {why}: pip install opencv-python-headless") from None
    return cv2


def _channels(rgb: np.ndarray, count: int) -> np.ndarray:
    """uint8 [S, S, 3] -> [S, S, count]: unchanged, or grey."""
    return rgb if count == 3 else np.asarray(Image.fromarray(rgb).convert("L"))[..., None]
