"""A learned predictor of latency: an additive mean, and a Gaussian process for what does not add.

latency = tied additive prediction + rest. The rest is learned from the mean's leave-one-out errors: its errors on the
networks that it was fitted to are too small where networks are few, and so would be the uncertainty. The features of
the rest are those of the mean, so networks that the mean ties stay tied. Where latency adds, as on FBNet's
measurements, the rest learns next to nothing and the prediction is the mean's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from predictors.models import gaussian_process
from predictors.models.gaussian_process import Process
from predictors.models.tied_additive import TiedAdditive, tied_additive

STEPS = 30  # of the optimizer of the rest's hyperparameters


@dataclass(frozen=True)
class AdditiveProcess:
    """Predicts the seconds [n] of architectures [n, layers]."""

    mean: TiedAdditive
    rest: Process  # in units of `unit`
    unit: float  # seconds: the spread of the mean's errors

    def __call__(self, archs: np.ndarray) -> np.ndarray:
        return self.predict(archs)[0]

    def predict(self, archs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Seconds [n], and the standard deviations [n] of what a measurement of these networks would give."""
        rest, deviation = self.rest.predict(self.mean.features(archs))
        return self.mean(archs) + self.unit * rest, self.unit * np.hypot(deviation, self.rest.noise)


def additive_process(archs: np.ndarray, seconds: np.ndarray, options: Sequence[int]) -> AdditiveProcess:
    """Fits architectures [n, layers] and their seconds [n]."""
    mean = tied_additive(archs, seconds, options)
    unit = float(mean.errors.std())
    rest = gaussian_process.fitted(mean.features(archs), mean.errors / (unit or 1), archs.shape[1], steps=STEPS)
    return AdditiveProcess(mean, rest, unit)
