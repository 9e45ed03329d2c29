"""The demo as a film: a GIF, or with OpenCV an MP4; 640x360 pixels."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from experiments.display.pictures import opencv
from experiments.store import artefacts
from predictors.board.classifier import Moment
from predictors.board.terminal_view import SHOWN, accuracy, clipped
from search_spaces.errors import LutraError

SIZE = (640, 360)
SIDE, EDGE, LEFT = 320, 20, 360  # pixels: the image, its margin, the left edge of the text
BAR = 120  # pixels of a bar for probability 1
INK, PAPER, GREY, BLUE, GREEN, RED = "#202020", "white", "#707070", "#0072B2", "#007A57", "#C44E00"
FASTEST = 50.0  # the highest number of images per second that GIF viewers can show
KINDS = (".gif", ".mp4")


class Film:
    """Collects frames of a GIF; frames of an MP4 are written immediately."""

    def __init__(self, path: Path, pace: float) -> None:
        """`pace` in images per second. Raises LutraError for another kind of file, or for an MP4 without OpenCV."""
        if path.suffix.lower() not in KINDS:
            raise LutraError(f"demo.record={path} is not a film: the name must end in {' or '.join(KINDS)}")
        self.path, self.pace = path, pace
        self.part = path.with_name(f".{path.name}.part.mp4")
        self.frames: list[Image.Image] = []
        self.writer: Any = None
        self.cv2 = opencv("an .mp4 file needs it (a .gif does not)") if path.suffix.lower() == ".mp4" else None

    def add(self, moment: Moment, heading: Sequence[str], classes: Sequence[str]) -> None:
        drawn = draw(moment, heading, classes)
        if self.cv2 is None:
            self.frames.append(drawn.quantize(128, dither=Image.Dither.NONE))
            return
        if self.writer is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.writer = self.cv2.VideoWriter(str(self.part), self.cv2.VideoWriter_fourcc(*"mp4v"), self.pace, SIZE)
            if not self.writer.isOpened():
                raise LutraError(f"OpenCV cannot write {self.path}: choose another folder, or a .gif")
        self.writer.write(np.ascontiguousarray(np.asarray(drawn)[..., ::-1]))  # OpenCV wants BGR

    def save(self) -> Path:
        if self.writer:
            self.writer.release()
            os.replace(self.part, self.path)
        else:
            film, first = io.BytesIO(), self.frames[0]
            duration = round(1000 / min(self.pace, FASTEST))
            first.save(film, "GIF", save_all=True, append_images=self.frames[1:], duration=duration, loop=0)
            artefacts.write(self.path, film.getvalue())
        return self.path


def draw(moment: Moment, heading: Sequence[str], classes: Sequence[str]) -> Image.Image:
    """One frame: the image on the left; prediction, probabilities and times beside it."""
    canvas = Image.new("RGB", SIZE, PAPER)
    pixels = moment.frame.picture() if moment.frame.picture else moment.frame.pixels
    image = Image.fromarray(np.ascontiguousarray(np.broadcast_to(pixels, (*pixels.shape[:2], 3))))
    canvas.paste(image.resize((SIDE, SIDE), Image.Resampling.NEAREST), (EDGE, EDGE))
    pen = ImageDraw.Draw(canvas)

    def write(top: int, text: str, size: int = 13, colour: str = INK, left: int = LEFT) -> None:
        pen.text((left, top), text, fill=colour, font=_font(size))

    for index, words in enumerate(heading):
        write(EDGE + 16 * index, clipped(words, 40), 11, GREY)
    write(60, clipped(classes[moment.predicted], 18), 26)
    write(94, *_verdict(moment, classes))
    for row, k in enumerate(np.argsort(-moment.probabilities, kind="stable")[:SHOWN]):
        top, share = 124 + 20 * row, float(moment.probabilities[k])
        pen.rectangle((LEFT, top + 3, LEFT + round(BAR * share), top + 13), fill=BLUE)
        write(top, f"{100 * share:.1f} %", left=LEFT + BAR + 8)
        write(top, clipped(classes[k], 11), left=LEFT + BAR + 66)
    numbers = (
        ("latency", f"{1e3 * moment.seconds:.3f} ms"),
        ("median", f"{1e3 * moment.median:.3f} ms"),
        ("frames/s", f"{moment.fps:.1f}"),
        ("accuracy", accuracy(moment)),
        ("image", str(moment.number)),
    )
    for row, (name, value) in enumerate(numbers):
        write(238 + 20 * row, name, colour=GREY)
        write(238 + 20 * row, value, left=LEFT + 72)
    return canvas


def _verdict(moment: Moment, classes: Sequence[str]) -> tuple[str, int, str]:
    """Text, size and colour."""
    label = moment.frame.label
    if label is None:
        return "", 13, GREY
    if label == moment.predicted:
        return "right", 13, GREEN
    return f"wrong: it is {clipped(classes[label], 24)}", 13, RED


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    """matplotlib's font, which has the letters of most languages."""
    return ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf"), size)
