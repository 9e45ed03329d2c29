"""An ONNX file that classifies images one after the other, as a device does; numpy and onnxruntime only, Python 3.9."""

from __future__ import annotations

import time
from bisect import insort
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from predictors.agent import options
from search_spaces.errors import LutraError

TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(double)": np.float64}  # of images
LATELY = 30  # images that the frames per second are of


@dataclass(frozen=True)
class Frame:
    """An image to be classified."""

    pixels: np.ndarray  # uint8 [H, W, C], of the network's size
    label: int | None  # where it is known
    picture: Callable[[], np.ndarray] | None = (
        None  # uint8 [P, P, C], the same for people, where there is a sharper one
    )


@dataclass(frozen=True)
class Moment:
    """An image's answer, and what is known so far. An inference is timed alone, without what prepares its image."""

    number: int  # from 1
    frame: Frame
    probabilities: np.ndarray  # float [classes]
    seconds: float  # of this inference
    median: float  # seconds, of all so far
    p90: float  # seconds, of all so far
    fps: float  # images a second of late, each from where it is asked for to its answer
    overall_fps: float  # the same, of all so far
    right: int  # of the labelled
    labelled: int

    @property
    def predicted(self) -> int:
        return int(self.probabilities.argmax())


class Classifier:
    """A loaded file. `mean` and `std` are per channel, of the training images scaled to 0..1."""

    def __init__(self, onnx: bytes, name: str, threads: int, mean: np.ndarray, std: np.ndarray) -> None:
        """Raises LutraError where `onnx` is no classifier of images of one size."""
        import onnxruntime

        try:
            self._session = onnxruntime.InferenceSession(onnx, options(threads), providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's own types derive from nothing else
            reason = " ".join(str(error).split())
            raise LutraError(f"{name} is damaged or no ONNX file: {reason[:120]}; make it again") from None
        self.shape, self.classes = self._sizes(name)  # (C, H, W), number
        (taken,) = self._session.get_inputs()
        self._input, self._type = taken.name, TYPES[taken.type]
        mean, std = np.asarray(mean, np.float32), np.asarray(std, np.float32)
        self._scale, self._shift = 255 * std, mean / std
        try:
            for _ in range(3):  # the first inferences allocate
                self.logits(np.zeros((1, *self.shape), np.float32))
        except Exception as error:  # onnxruntime's own types derive from nothing else
            reason = " ".join(str(error).split())
            raise LutraError(f"{name} cannot classify an image: {reason[:120]}; export it again") from None

    def _sizes(self, name: str) -> tuple[tuple[int, ...], int]:
        """What the file takes and answers. Raises LutraError where that is not one image and its classes."""
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        sizes = [size for one in (*inputs, *outputs[:1]) for size in one.shape[1:]]
        ranks = [len(one.shape) for one in (*inputs, *outputs[:1])]
        if ranks != [4, 2] or not all(isinstance(size, int) for size in sizes):
            raise LutraError(
                f"{name} takes {[one.shape for one in inputs]} and answers {[one.shape for one in outputs]}: "
                "demo.model is a file that takes [N, C, H, W] and answers [N, classes]"
            )
        batch = inputs[0].shape[0]
        if isinstance(batch, int) and batch != 1:
            raise LutraError(
                f"{name} takes {batch} images at a time, and the demo classifies one: export it for batches of 1, or "
                "of any size"
            )
        if inputs[0].type not in TYPES:
            raise LutraError(f"{name} takes images as {inputs[0].type}: demo.model takes one of {', '.join(TYPES)}")
        return tuple(sizes[:3]), sizes[3]

    def prepare(self, pixels: np.ndarray) -> np.ndarray:
        """uint8 [H, W, C] -> float32 [1, C, H, W], normalised as the training images were."""
        scaled = pixels.astype(np.float32) / self._scale - self._shift
        return np.ascontiguousarray(scaled.transpose(2, 0, 1)[None])

    def logits(self, image: np.ndarray) -> np.ndarray:
        """float32 [1, C, H, W] -> [classes]."""
        return self._session.run(None, {self._input: image.astype(self._type, copy=False)})[0][0]


def classify(classifier: Classifier, frames: Iterator[Frame]) -> Iterator[Moment]:
    """A moment for every frame, for as long as someone asks: what the caller does with one is not timed."""
    clock, ordered, lately = time.perf_counter, [], deque(maxlen=LATELY)  # type: ignore[var-annotated]
    total, right, labelled = 0.0, 0, 0
    while True:
        asked = clock()
        frame = next(frames, None)
        if frame is None:
            return
        image = classifier.prepare(frame.pixels)
        start = clock()
        logits = classifier.logits(image)
        answered = clock()
        insort(ordered, answered - start)
        lately.append(answered - asked)
        total += answered - asked
        if frame.label is not None:
            labelled += 1
            right += int(logits.argmax()) == frame.label
        yield Moment(
            number=len(ordered),
            frame=frame,
            probabilities=softmax(logits),
            seconds=answered - start,
            median=quantile(ordered, 0.5),
            p90=quantile(ordered, 0.9),
            fps=len(lately) / sum(lately),
            overall_fps=len(ordered) / total,
            right=right,
            labelled=labelled,
        )


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits.astype(np.float64) - logits.max())
    return powers / powers.sum()


def quantile(ordered: list[float], share: float) -> float:
    """Of ascending values, with linear interpolation, as numpy.quantile gives it."""
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])
