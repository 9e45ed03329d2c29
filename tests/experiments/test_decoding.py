"""Tests the decoder: images are upright, on white, with all their grey levels; an undecodable one is one line."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image, ImageOps

from experiments.display.pictures import folder
from predictors.board.image_decoding import decode, square
from search_spaces.errors import LutraError

NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8))
RAMP = np.linspace(0, 1, 64 * 64).reshape(64, 64)  # grey levels, black to white


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def decoded(content: bytes, size: int = 16) -> np.ndarray:
    return decode("it", lambda: content, size).astype(int)


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def deep_png(kind: int, *channels: int) -> bytes:
    """Writes 16x16 pixels with 16 bits per channel, which PIL cannot; kind 2 is RGB, 4 grey + alpha, 6 RGB + alpha."""
    row = b"\0" + struct.pack(f">{len(channels)}H", *channels) * 16
    header = struct.pack(">IIBBBBB", 16, 16, 16, kind, 0, 0, 0)
    parts = chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(row * 16)), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_images_are_turned_upright(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = saved(NOISE, kind, exif=exif)
    with Image.open(io.BytesIO(content)) as image:
        upright = ImageOps.exif_transpose(image).convert("RGB")
    assert np.array_equal(decoded(content), square(upright, 16))


@pytest.mark.parametrize("exif", [b"Exif\0\0nonsense", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff", b"Exif\0\0"])
def test_damaged_exif_data_are_passed_over(exif: bytes) -> None:
    assert np.array_equal(decoded(saved(NOISE, "JPEG", exif=exif)), decoded(saved(NOISE, "JPEG")))


def palette() -> Image.Image:
    image = Image.new("P", (32, 32), 1)
    image.putpalette([255, 0, 0, 0, 0, 255])
    return image


CLEAR = {
    "RGBA": saved(Image.new("RGBA", (32, 32), (1, 2, 3, 0)), "PNG"),
    "RGBA webp": saved(Image.new("RGBA", (32, 32), (1, 2, 3, 0)), "WEBP", lossless=True),
    "LA": saved(Image.new("LA", (32, 32), (0, 0)), "PNG"),
    "palette": saved(palette(), "PNG", transparency=1),
    "palette of a gif": saved(palette(), "GIF", transparency=1),
    "a colour": saved(Image.new("RGB", (32, 32), (1, 2, 3)), "PNG", transparency=(1, 2, 3)),
    "a grey": saved(Image.new("L", (32, 32), 7), "PNG", transparency=7),
    "a bit": saved(Image.new("1", (32, 32), 0), "PNG", transparency=0),
    "16 bits RGBA": deep_png(6, 0, 0, 0, 0),
    "16 bits LA": deep_png(4, 0, 0),
}


@pytest.mark.parametrize("content", CLEAR.values(), ids=CLEAR)
def test_what_is_transparent_is_white(content: bytes) -> None:
    assert (decoded(content) == 255).all()


def test_what_is_half_transparent_is_half_white() -> None:
    half = decoded(saved(Image.new("RGBA", (32, 32), (0, 100, 200, 128)), "PNG"))
    assert np.abs(half - [127, 177, 227]).max() <= 1


LEVELS: dict[str, Callable[[], bytes]] = {
    "16-bit png": lambda: saved(Image.fromarray((RAMP * 65535).round().astype(np.uint16)), "PNG"),
    "16-bit pgm": lambda: b"P5 64 64 65535\n" + (RAMP * 65535).round().astype(">u2").tobytes(),
    "12-bit pgm": lambda: b"P5 64 64 4095\n" + (RAMP * 4095).round().astype(">u2").tobytes(),
    "8-bit pgm": lambda: b"P5 64 64 255\n" + (RAMP * 255).round().astype("u1").tobytes(),
    "floats to 1": lambda: b"Pf\n64 64\n-1.0\n" + RAMP[::-1].astype("<f4").tobytes(),
    "floats to 255": lambda: b"Pf\n64 64\n-1.0\n" + (255 * RAMP[::-1]).astype("<f4").tobytes(),
    "floats to 65535": lambda: b"Pf\n64 64\n-1.0\n" + (65535 * RAMP[::-1]).astype("<f4").tobytes(),
}


@pytest.mark.parametrize("content", LEVELS.values(), ids=LEVELS)
def test_grey_levels_keep_their_scale(content: Callable[[], bytes]) -> None:
    assert np.abs(decoded(content(), 64) - (RAMP * 255)[..., None]).max() <= 1


@pytest.mark.parametrize(
    ("content", "colour"),
    [
        (saved(Image.new("RGB", (32, 32), (200, 30, 30)).convert("CMYK"), "JPEG"), (200, 30, 30)),
        (deep_png(2, 65535, 32896, 0), (255, 128, 0)),
        (saved(Image.new("1", (32, 32), 1), "PNG"), (255, 255, 255)),
        (saved(palette().convert("PA").convert("P"), "BMP"), (0, 0, 255)),
    ],
    ids=["cmyk", "16 bits RGB", "one bit", "palette"],
)
def test_colours_are_those_that_a_viewer_shows(content: bytes, colour: tuple[int, int, int]) -> None:
    assert np.abs(decoded(content) - colour).max() <= 2


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "MPO"])
def test_the_first_frame_is_taken(kind: str) -> None:
    others = [Image.new("RGB", NOISE.size, (255, 0, 0))]
    options = {"lossless": True} if kind == "WEBP" else {}
    first = decoded(saved(NOISE, kind, save_all=True, append_images=others, **options))
    alone = decoded(saved(NOISE, "JPEG" if kind == "MPO" else kind, **options))
    assert np.array_equal(first, alone)


BROKEN = {
    "no pixels": b"P6 0 0 255\n",
    "no levels": b"P5 8 8 0\n",
    "half a bmp": saved(NOISE, "BMP")[:2000],
    "half a ppm": saved(NOISE, "PPM")[:2000],
    "half a gif": saved(NOISE, "GIF")[:800],
    "half a webp": saved(NOISE, "WEBP")[:500],
    "a bomb": b"P6 60000 60000 255\n",
    "no number": b"Pf\n1 1\n-1.0\n" + struct.pack("<f", float("nan")),
    "below black": b"Pf\n1 1\n-1.0\n" + struct.pack("<f", -1.0),
    "a tiff": saved(NOISE, "TIFF"),
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_what_cannot_be_decoded_is_one_line(content: bytes) -> None:
    with pytest.raises(LutraError) as caught:
        decoded(content)
    assert str(caught.value).startswith("it cannot be read as an image (")
    assert "\n" not in str(caught.value)


def test_the_demo_sees_what_training_sees(tmp_path) -> None:  # type: ignore[no-untyped-def]
    contents = [*CLEAR.values(), *(content() for content in LEVELS.values())]
    for index, content in enumerate(contents):
        (tmp_path / f"{index:02}.png").write_bytes(content)
    (tmp_path / "@eaDir").mkdir()
    (tmp_path / "@eaDir" / "thumbnail.png").write_bytes(contents[0])
    data = SimpleNamespace(shape=SimpleNamespace(in_channels=3, resolution=16), classes=("a", "b"))
    shown = {frame.pixels.tobytes() for frame in folder(tmp_path, data, 0, pytest.fail)}  # type: ignore[arg-type]
    assert shown == {decode("it", lambda content=content: content, 16).tobytes() for content in contents}  # type: ignore[misc]
