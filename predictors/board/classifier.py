"""Classifies images one at a time with an ONNX file, as a device does. Needs numpy and a runtime only, Python 3.9."""

from __future__ import annotations

import time
from bisect import insort
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from predictors.agent.runtimes import interface
from search_spaces.errors import LutraError

PIXELS = "uint8"  # the type of images that the file itself normalises
TYPES = ("float32", "float16", "float64", PIXELS)  # of images
ROUNDING = 1e-3  # by which the sum of probabilities may differ from 1
LATELY = 30  # the most recent images, over which frames per second are averaged


@dataclass(frozen=True)
class Frame:
    """An image to classify."""

    pixels: np.ndarray  # uint8 [H, W, C], at the network's resolution
    label: int | None  # None where unknown
    picture: Callable[[], np.ndarray] | None = None  # uint8 [P, P, C]: a sharper version for display, if there is one


@dataclass(frozen=True)
class Moment:
    """The prediction for one image, and statistics so far. Latency excludes the preparation of the image."""

    number: int  # from 1
    frame: Frame
    probabilities: np.ndarray  # float [classes]
    seconds: float  # this inference
    median: float  # seconds, over all inferences so far
    p90: float  # seconds, over all inferences so far
    fps: float  # images per second, over the last LATELY images, preparation included
    overall_fps: float  # the same over all images so far
    right: int  # correct predictions among the labelled images
    labelled: int

    @property
    def predicted(self) -> int:
        return int(self.probabilities.argmax())


class Classifier:
    """A loaded file of any runtime. `mean` and `std` [C] are those of the training images scaled to 0..1."""

    def __init__(self, file: bytes, name: str, threads: int, mean: np.ndarray, std: np.ndarray) -> None:
        """Raises LutraError unless `file` is a classifier of images of one size."""
        try:
            self._file = interface(file, threads)
        except Exception as error:  # runtimes' exceptions have no other common base
            reason = " ".join(str(error).split())
            raise LutraError(f"{name} is damaged, or not ONNX or LiteRT: {reason[:120]}; make it again") from None
        self.shape, self.classes = self._sizes(name)  # (C, H, W), number
        self._type = np.dtype(self._file.inputs[0][1])
        mean, std = np.asarray(mean, np.float32), np.asarray(std, np.float32)
        self._scale, self._shift = 255 * std, mean / std
        try:
            for _ in range(3):  # the first inferences allocate
                self.logits(np.zeros((1, *self.shape), np.float32))
        except Exception as error:  # runtimes' exceptions have no other common base
            reason = " ".join(str(error).split())
            raise LutraError(f"{name} cannot classify an image: {reason[:120]}; export it again") from None

    def _sizes(self, name: str) -> tuple[tuple[int, ...], int]:
        """The input's shape (C, H, W) and the number of classes. Raises LutraError for any other input or output."""
        inputs, outputs = [shape for shape, _ in self._file.inputs], self._file.outputs
        sizes = [size for shape in (*inputs, *outputs[:1]) for size in shape[1:]]
        ranks = [len(shape) for shape in (*inputs, *outputs[:1])]
        if ranks != [4, 2] or not all(isinstance(size, int) for size in sizes):
            raise LutraError(
                f"{name} takes {inputs} and outputs {outputs}: "
                "demo.model must take [N, C, H, W] and output [N, classes]"
            )
        batch, kind = inputs[0][0], self._file.inputs[0][1]
        if isinstance(batch, int) and batch != 1:
            raise LutraError(
                f"{name} takes {batch} images at a time, and the demo classifies one: export it for batches of 1, or "
                "of any size"
            )
        if kind not in TYPES:
            raise LutraError(f"{name} takes images as {kind}: demo.model must take one of {', '.join(TYPES)}")
        return tuple(sizes[:3]), sizes[3]

    def prepare(self, pixels: np.ndarray) -> np.ndarray:
        """uint8 [H, W, C] -> [1, C, H, W]: float32, normalised as the training images were, or uint8 for a file that
        normalises."""
        if self._type == PIXELS:
            return np.ascontiguousarray(pixels.transpose(2, 0, 1)[None])
        scaled = pixels.astype(np.float32) / self._scale - self._shift
        return np.ascontiguousarray(scaled.transpose(2, 0, 1)[None])

    def logits(self, image: np.ndarray) -> np.ndarray:
        """A prepared image [1, C, H, W] -> [classes]; probabilities from a file that normalises."""
        return self._file.answer(image.astype(self._type, copy=False))[0]


def classify(classifier: Classifier, frames: Iterator[Frame]) -> Iterator[Moment]:
    """Yields a moment for every frame. What the caller does between two moments is not timed."""
    clock, ordered, lately = time.perf_counter, [], deque(maxlen=LATELY)  # type: ignore[var-annotated]
    total, right, labelled = 0.0, 0, 0
    while True:
        requested = clock()
        frame = next(frames, None)
        if frame is None:
            return
        image = classifier.prepare(frame.pixels)
        start = clock()
        logits = classifier.logits(image)
        answered = clock()
        insort(ordered, answered - start)
        lately.append(answered - requested)
        total += answered - requested
        if frame.label is not None:
            labelled += 1
            right += int(logits.argmax()) == frame.label
        yield Moment(
            number=len(ordered),
            frame=frame,
            probabilities=probabilities(image, logits),
            seconds=answered - start,
            median=quantile(ordered, 0.5),
            p90=quantile(ordered, 0.9),
            fps=len(lately) / sum(lately),
            overall_fps=len(ordered) / total,
            right=right,
            labelled=labelled,
        )


def probabilities(image: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """float64 [classes], from the answer to a prepared image; a file that takes pixels answers with them."""
    are = image.dtype == PIXELS and logits.min() >= 0 and abs(logits.sum() - 1) < ROUNDING
    return logits.astype(np.float64) if are else softmax(logits)


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits.astype(np.float64) - logits.max())
    return powers / powers.sum()


def quantile(ordered: list[float], share: float) -> float:
    """A quantile of ascending values, linearly interpolated as in numpy.quantile."""
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])
