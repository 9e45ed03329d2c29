"""The only decoder of image files: for training, evaluation and the demo.

An image is rotated by its EXIF orientation; transparent parts become white; of an animation, the first frame is used.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable

import numpy as np
from PIL import ExifTags, Image

from search_spaces.errors import LutraError

FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "GIF", "PPM")  # recognised by content; no other decoder is ever called
SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".gif", ".ppm")  # of files that are taken for images
UPRIGHT = {  # EXIF orientation -> transposition
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
WHITE = (255, 255, 255, 255)


class Unreadable(LutraError):
    """An image that cannot be decoded, and why."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name} cannot be read as an image ({reason}): replace it or remove it")
        self.reason = reason


def decode(name: str, read: Callable[[], bytes], size: int) -> np.ndarray:
    """uint8 [size, size, 3]: an image's central square, resized. Raises Unreadable if it cannot be decoded."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about odd metadata, and images slightly below PIL's limit
            with Image.open(io.BytesIO(read()), formats=FORMATS) as image:
                image.draft("RGB", (2 * size, 2 * size))  # decodes a much larger JPEG at 1/2, 1/4 or 1/8
                return square(_upright(image), size)
    except Exception as error:  # PIL's decoders raise a dozen types
        unknown = isinstance(error, Image.UnidentifiedImageError)
        reason = "unknown or damaged" if unknown else " ".join(str(error).split()) or type(error).__name__
        raise Unreadable(name, reason) from error


def format_of(content: bytes) -> str:
    """An image's size and colours by its header, as in 640x480 RGB; empty if it cannot be decoded."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content), formats=FORMATS) as image:
                return f"{image.width}x{image.height} {image.mode}"
    except Exception:  # PIL's decoders raise a dozen types
        return ""


def square(rgb: Image.Image, size: int) -> np.ndarray:
    """uint8 [size, size, 3]: the central square, resized."""
    side = min(rgb.size)
    left, top = ((length - side) / 2 for length in rgb.size)
    box = (left, top, left + side, top + side)
    return np.asarray(rgb.resize((size, size), Image.Resampling.BILINEAR, box=box, reducing_gap=2.0))


def _upright(image: Image.Image) -> Image.Image:
    """The image in RGB, as a viewer shows it."""
    image.load()
    rgb = _rgb(image)
    try:
        turn = image.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # damaged EXIF data, which viewers ignore too
        turn = None
    return rgb.transpose(UPRIGHT[turn]) if turn in UPRIGHT else rgb


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith(("I", "F")):
        image = _grey(image)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, WHITE), image).convert("RGB")
    return image.convert("RGB")


def _grey(image: Image.Image) -> Image.Image:
    """A grey image converted to 8 bits. Integers range over 0..65535; floats over 0..1, 0..255 or 0..65535."""
    levels = np.asarray(image).astype(np.float64)
    low, high = levels.min(), levels.max()
    if not (low >= 0 and high <= 65535):
        raise ValueError(f"grey levels from {low:g} to {high:g}, but only 0 to 65535 is supported")
    white = 65535 if image.mode != "F" else next(top for top in (1, 255, 65535) if high <= top)
    return Image.fromarray(np.round(levels * (255 / white)).astype(np.uint8))
