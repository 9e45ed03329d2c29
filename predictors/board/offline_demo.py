"""The demo on a board without a network: what `python3 run.py` does in the folder copied to the board.

The host's demo runs the same code, so both show the same.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from predictors.agent import passport
from predictors.agent.runtimes import SUFFIXES
from predictors.board.classifier import Classifier, Frame, Moment, classify
from predictors.board.offline_files import opened, unchanged
from predictors.board.terminal_view import line, view
from search_spaces.errors import LutraError

SCHEMA = "lutra/demo/1"
MODEL, IMAGES, SETTINGS = "model", "images.npz", "settings.json"
PILLOW = (10, 1)  # the oldest that decodes as the host does
REDRAWN = 1 / 30  # seconds between two pictures in a terminal, or more
DOES = "classifies the images of this folder on this machine; see python3 run.py --help."


@dataclass(frozen=True)
class Shown:
    """A model's labels and settings."""

    title: str
    classes: Sequence[str]
    mean: Sequence[float]  # [C], of the training images scaled to 0..1
    std: Sequence[float]
    threads: int
    pace: float  # images per second in a terminal, at most

    def classifier(self, model: bytes, name: str) -> Classifier:
        return Classifier(model, name, self.threads, np.array(self.mean), np.array(self.std))

    @property
    def heading(self) -> tuple[str, str]:
        """Two lines: the title and the processor."""
        return self.title, str(passport()["cpu"] or "unknown CPU")


class Screen:
    """Lines in a terminal that overwrite the previous ones."""

    def __init__(self) -> None:
        self.height = 0

    def draw(self, lines: str) -> None:
        above = f"\x1b[{self.height}A" if self.height else ""
        print(above + lines.replace("\n", "\x1b[K\n"), end="\x1b[K\n", flush=True)
        self.height = lines.count("\n") + 1


def main(folder: Path) -> None:
    """On the board: shows a live view in a terminal, or else one line per second; and a summary."""
    parser = argparse.ArgumentParser(description="Classifies the images of this folder, or of SOURCE, one by one.")
    parser.add_argument("source", nargs="?", help="a folder of images, an image, camera, or camera:1; needs Pillow")
    parser.add_argument("--frames", type=int, help="the number of images to classify; all by default")
    parser.add_argument("--pace", type=float, help="the highest number of images per second in a terminal")
    arguments = parser.parse_args()
    if (arguments.frames is not None and arguments.frames < 1) or (
        arguments.pace is not None and not arguments.pace > 0
    ):
        sys.exit("error: --frames must be at least 1, and --pace above 0")
    try:
        shown = _shown(folder)
        (model,) = (path for path in folder.glob(f"{MODEL}.*") if path.suffix in SUFFIXES)
        classifier = shown.classifier(model.read_bytes(), model.name)
        frames = _given(arguments.source, classifier, shown) if arguments.source else _frames(folder / IMAGES)
        moments = classify(classifier, islice(frames, arguments.frames))
        draw = Screen().draw if sys.stdout.isatty() else None
        last = follow(moments, shown, arguments.pace or shown.pace, draw, print)
        print(line(last))
        if arguments.source and Path(arguments.source).is_file():
            print(answer(last, shown))
    except (LutraError, OSError) as error:
        sys.exit(f"error: {error}")


def answer(moment: Moment, shown: Shown) -> str:
    """The class of one image, and its probability."""
    return f"{shown.classes[moment.predicted]}, {100 * moment.probabilities[moment.predicted]:.1f} %"


def follow(
    moments: Iterator[Moment],
    shown: Shown,
    pace: float,
    draw: Callable[[str], None] | None,
    say: Callable[[str], object],
) -> Moment:
    """Draws the moments, at most `pace` per second, or without `draw` reports a line per second; returns the last one.

    Ctrl-C ends it early. A processor that idles between images takes longer for each than in a benchmark without
    pauses. Raises LutraError if there are no moments.
    """
    last, drawn = None, -REDRAWN
    try:
        for last in paced(moments, pace) if draw else spoken(moments, say):
            if draw and time.monotonic() - drawn > REDRAWN:
                drawn = time.monotonic()
                draw(view(last, shown.heading, shown.classes))
    except KeyboardInterrupt:
        pass
    if last is None:
        raise LutraError("no image was classified: none of them can be read")
    if draw:
        draw(view(last, shown.heading, shown.classes))
    return last


def paced(moments: Iterator[Moment], pace: float) -> Iterator[Moment]:
    """The moments, at most `pace` per second."""
    due = time.monotonic()
    for moment in moments:
        time.sleep(max(0.0, due - time.monotonic()))
        due = time.monotonic() + 1 / pace
        yield moment


def spoken(moments: Iterator[Moment], say: Callable[[str], object]) -> Iterator[Moment]:
    """The moments; reports one line per second."""
    due = time.monotonic() + 1
    for moment in moments:
        if time.monotonic() > due:
            due = time.monotonic() + 1
            say(line(moment))
        yield moment


def _shown(folder: Path) -> Shown:
    """The folder's settings. Raises LutraError if one of its files is missing or damaged."""
    settings = opened(folder / SETTINGS, SCHEMA)
    for name, expected in settings["files"].items():
        unchanged(folder / name, expected)
    return Shown(**settings["shown"])


def _given(source: str, classifier: Classifier, shown: Shown) -> Iterator[Frame]:
    """The frames of a folder, an image or a camera. Raises LutraError if Pillow, which they need, is missing."""
    try:
        import PIL

        from predictors.board.own_images import frames_of
    except ImportError as error:
        raise LutraError(f"{error}: images of your own need Pillow; type: pip install pillow") from None
    if tuple(int(part) for part in PIL.__version__.split(".")[:2]) < PILLOW:
        raise LutraError(f"Pillow {PIL.__version__} is too old for images of your own; type: pip install -U pillow")
    return frames_of(source, classifier.shape, shown.classes, print)


def _frames(path: Path) -> Iterator[Frame]:
    with np.load(path) as packed:
        images, labels = packed["images"], packed["labels"].tolist()
    for image, label in zip(images, labels):
        yield Frame(image, None if label < 0 else label)
