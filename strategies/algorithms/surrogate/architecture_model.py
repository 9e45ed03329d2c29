"""A Gaussian process that predicts a value of architectures from few examples.

Its features are each layer's choice (one-hot), the number of layers that choose each option (informative in spaces of
similar layers), and the exact costs. It learns which of these matter, and how noisy the targets are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from predictors.models import gaussian_process
from predictors.models.gaussian_process import Process
from predictors.models.learned import one_hot


@dataclass(frozen=True)
class ArchitectureModel:
    """The model for architectures with `options` options per layer."""

    options: Sequence[int]
    process: Process
    centre: np.ndarray  # of `quantities`
    scale: np.ndarray

    def predict(self, picks: np.ndarray, costs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Means [n] and standard deviations [n] for choices [n, layers] with costs [n, m]."""
        return self.process.predict(features(picks, costs, self.options, self.centre, self.scale))


def fitted(
    picks: np.ndarray,
    costs: np.ndarray,
    targets: np.ndarray,
    options: Sequence[int],
    before: ArchitectureModel | None,
) -> ArchitectureModel:
    """Fits choices [n, layers], costs [n, m] and targets [n]; starts from `before`, a model fitted on fewer."""
    known = quantities(picks, costs, options)
    centre, scale = known.mean(0), known.std(0)
    scale[scale == 0] = 1
    grown = before is None or len(before.process.weights) < len(targets)
    process = gaussian_process.fitted(
        features(picks, costs, options, centre, scale),
        targets,
        len(options),
        before.process if before else None,
        gaussian_process.STEPS if grown else 1,
    )
    return ArchitectureModel(options, process, centre, scale)


def features(
    picks: np.ndarray, costs: np.ndarray, options: Sequence[int], centre: np.ndarray, scale: np.ndarray
) -> np.ndarray:
    """[n, features], each quantity standardised."""
    return np.column_stack([one_hot(picks, options), (quantities(picks, costs, options) - centre) / scale])


def quantities(picks: np.ndarray, costs: np.ndarray, options: Sequence[int]) -> np.ndarray:
    """[n, quantities]: among layers with equally many options, how many choose each; and the log costs."""
    counts = [
        (picks[:, [layer for layer, count in enumerate(options) if count == size]] == option).sum(1)
        for size in sorted({*options} - {1})
        for option in range(size)
    ]
    return np.column_stack([*counts, np.log(costs)])
