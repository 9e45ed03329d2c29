"""The user's own images for the demo: a folder, one image, or a camera; decoded and cropped as in training.

Files need Pillow; a camera also needs picamera2 or OpenCV.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from predictors.board.classifier import Frame
from predictors.board.image_decoding import SUFFIXES, decode, square
from search_spaces.errors import LutraError

CAMERA = "camera"
SEEN = (640, 480)  # width and height of a camera's image, in pixels


def frames_of(
    source: str, shape: Sequence[int], classes: Sequence[str], skipped: Callable[[str], object]
) -> Iterator[Frame]:
    """The frames of a source for a network that takes images of `shape` (C, H, W).

    An image in a folder named after a class, or below it, has that label. Raises LutraError before the first frame if
    there is no image or no camera; `skipped` receives one line for each file of a folder that cannot be read.
    """
    channels, size = shape[0], shape[1]
    if source.split(":")[0] == CAMERA and not Path(source).exists():
        return (Frame(in_channels(square(image, size), channels), None) for image in camera(source.partition(":")[2]))
    path = Path(source).expanduser()
    if path.is_file():
        pixels = in_channels(decode(str(path), path.read_bytes, size), channels)
        return iter([Frame(pixels, label_of(path, classes, path.parent))])
    return (Frame(image, label_of(one, classes, path)) for one, image in readable(files(path), channels, size, skipped))


def files(folder: Path) -> list[Path]:
    """Every image below a folder, by name."""
    if not folder.is_dir():
        raise LutraError(f"there is no {str(folder)!r}: give a folder of images, an image, or {CAMERA}")
    found = sorted(path for path in folder.rglob("[!.]*") if path.suffix.lower() in SUFFIXES and path.is_file())
    if not found:
        raise LutraError(f"{folder} has no images, ending in {', '.join(SUFFIXES)}: give another folder")
    return found


def readable(
    paths: Sequence[Path], channels: int, size: int, skipped: Callable[[str], object]
) -> Iterator[tuple[Path, np.ndarray]]:
    """Every file that can be read, with its pixels as the network takes them, uint8 [size, size, channels]."""
    for path in paths:
        try:
            pixels = in_channels(decode(str(path), path.read_bytes, size), channels)
        except LutraError as error:
            skipped(f"skipped: {error}")
        else:
            yield path, pixels


def label_of(path: Path, classes: Sequence[str], root: Path) -> int | None:
    """The class whose name the nearest folder has, from the image's own up to `root`; None if there is none."""
    folders = [*reversed(path.relative_to(root).parts[:-1]), root.resolve().name]
    names = [unicodedata.normalize("NFC", name) for name in folders]  # as the classes' names are
    return next((list(classes).index(name) for name in names if name in classes), None)


def camera(number: str) -> Iterator[Image.Image]:
    """The images of a camera: by picamera2 if it is installed, or else by OpenCV; `number` counts from 0."""
    if number and not number.isdigit():
        raise LutraError(f"there is no {CAMERA}:{number}: {CAMERA} is the first, {CAMERA}:1 the second")
    for seen in (_by_picamera2, _by_opencv):
        try:
            return seen(int(number or 0))
        except ImportError:
            continue
    raise LutraError(
        "a camera needs picamera2 or OpenCV: apt install python3-picamera2, or pip install opencv-python-headless"
    )


def _by_picamera2(number: int) -> Iterator[Image.Image]:
    from picamera2 import Picamera2

    if number >= len(Picamera2.global_camera_info()):
        raise LutraError(f"there is no camera {number}: connect it, or give a folder")
    opened = Picamera2(number)
    opened.configure(opened.create_video_configuration({"size": SEEN, "format": "BGR888"}))  # in memory, R comes first
    opened.start()
    return _captured(lambda: Image.fromarray(opened.capture_array()), opened.close)


def _by_opencv(number: int) -> Iterator[Image.Image]:
    import cv2

    opened = cv2.VideoCapture(number)
    if not opened.isOpened():
        raise LutraError(f"camera {number} cannot be opened: connect it, close programs that use it, or give a folder")

    def capture() -> Image.Image | None:
        read, image = opened.read()
        return Image.fromarray(np.ascontiguousarray(image[..., ::-1])) if read else None

    return _captured(capture, opened.release)


def _captured(capture: Callable[[], Image.Image | None], close: Callable[[], Any]) -> Iterator[Image.Image]:
    try:
        while (image := capture()) is not None:
            yield image
    finally:
        close()


def in_channels(rgb: np.ndarray, count: int) -> np.ndarray:
    """uint8 [S, S, 3] -> [S, S, count]: unchanged, or grey."""
    return rgb if count == 3 else np.asarray(Image.fromarray(rgb).convert("L"))[..., None]
