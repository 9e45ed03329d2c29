"""A model of what architectures are worth, learned from a few: a Gaussian process that sees more than the picks.

Beside each layer's pick, one-hot, it sees how many layers pick each option, which says much in spaces whose layers are
alike, and the costs, which are exact. It learns which of these matter, and how noisy the targets are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from predictors.models.learned import one_hot
from strategies.algorithms.surrogate import gaussian_process
from strategies.algorithms.surrogate.gaussian_process import Process


@dataclass(frozen=True)
class ArchitectureModel:
    """Of architectures with so many `options` a layer."""

    options: Sequence[int]
    process: Process
    centre: np.ndarray  # of `quantities`
    scale: np.ndarray

    def predict(self, picks: np.ndarray, costs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Means [n] and standard deviations [n] for picks [n, layers] with costs [n, m]."""
        return self.process.predict(features(picks, costs, self.options, self.centre, self.scale))


def fitted(
    picks: np.ndarray,
    costs: np.ndarray,
    targets: np.ndarray,
    options: Sequence[int],
    before: ArchitectureModel | None,
) -> ArchitectureModel:
    """To picks [n, layers], costs [n, m] and targets [n]. `before`: the same of fewer, from where the fit goes on."""
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
    """[n, quantities]: of the layers with as many options, how many pick each; and the costs' logarithms."""
    counts = [
        (picks[:, [layer for layer, count in enumerate(options) if count == size]] == option).sum(1)
        for size in sorted({*options} - {1})
        for option in range(size)
    ]
    return np.column_stack([*counts, np.log(costs)])
