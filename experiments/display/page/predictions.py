"""What a file predicted for the test images: its confusion matrix, and the accuracy of every class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

UNEVEN = 1.5  # times as many images in the largest class as in the smallest


@dataclass(frozen=True)
class Predictions:
    classes: Sequence[str]
    labels: np.ndarray  # int64 [N]
    predicted: np.ndarray  # int64 [N]

    @cached_property
    def matrix(self) -> np.ndarray:
        """Numbers of images, int64 [C, C]: rows are true classes, columns predicted ones."""
        count = len(self.classes)
        return np.bincount(self.labels * count + self.predicted, minlength=count**2).reshape(count, count)

    @property
    def accuracies(self) -> np.ndarray:
        """The accuracy on each class's images, float64 [C]."""
        return self.matrix.diagonal() / self.matrix.sum(1)

    @property
    def balanced(self) -> float:
        """The mean of the classes' accuracies."""
        return float(self.accuracies.mean())

    @property
    def uneven(self) -> bool:
        """Whether some classes have so many more test images than others that accuracy hides the small ones."""
        counts = self.matrix.sum(1)
        return bool(counts.max() > UNEVEN * counts.min())

    @property
    def confused(self) -> list[tuple[int, int, int]]:
        """(true class, predicted class, number of images) of every confusion, most frequent first."""
        found = [(int(true), int(wrong), int(n)) for (true, wrong), n in np.ndenumerate(self.matrix) if true != wrong]
        return sorted((one for one in found if one[2]), key=lambda one: (-one[2], one[0], one[1]))

    def examples(self, true: int, wrong: int, most: int) -> np.ndarray:
        """The indices of the first images of a confusion."""
        return np.flatnonzero((self.labels == true) & (self.predicted == wrong))[:most]
