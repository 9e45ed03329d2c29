"""Whether a machine ran at one speed: the allowed range of its speed, and a test for two speeds.

A drifting clock is corrected (`predictors.timing.drift`), because it slows all files equally. Slow and fast cores,
turbo and a busy sibling thread cannot be corrected: each file slows down by its own factor.
"""

from __future__ import annotations

import math

import numpy as np

RANGE = math.log(1.25)  # a sample counts if the machine's speed was this close to its median
GAP = math.log(1.25)  # the smallest gap between two speeds
BETWEEN = 0.1  # samples allowed in the gap, as a fraction of the smaller group
SLOW = 0.1  # the smallest slower group, as a fraction of all samples: other programs delay some of them too
FAST = 0.005  # the smallest faster group, as a fraction of all samples: only another speed makes a sample faster
REPEATED = 2  # samples of a file faster by GAP that show that it ran at two speeds


def in_range(speed: np.ndarray, trusted: np.ndarray) -> np.ndarray:
    """Which samples [n] were taken near the median speed of those `trusted` [n]; speeds are log seconds."""
    usual = np.sort(speed[trusted])[(trusted.sum() - 1) // 2]  # an observed speed, even if there are two
    return np.abs(speed - usual) <= RANGE


def two_speeds(logs: np.ndarray, fast: float = SLOW, slow: float = SLOW) -> float | None:
    """How many times slower one group of samples is than the other; None if there is only one group.

    `logs` [n]: log seconds of samples relative to their files. Two groups have a nearly empty gap between them, unlike
    drift, which passes through every speed, and noise. `fast` and `slow` are the smallest groups, as fractions of all
    samples.
    """
    values = np.sort(logs)
    below = np.arange(1, len(values) + 1)  # samples up to each value
    beyond = np.searchsorted(values, values + GAP)  # the first sample after a gap that begins at each value
    above = len(values) - beyond
    between = beyond - below
    smaller = np.minimum(below, above)
    found = (below >= fast * len(values)) & (above >= max(1, slow * len(values))) & (between <= BETWEEN * smaller)
    if not found.any():
        return None
    end = int(np.argmax(np.where(found, smaller - between / BETWEEN, -np.inf)))
    return math.exp(np.median(values[beyond[end] :]) - np.median(values[: end + 1]))


def moving_files(residual: np.ndarray, file: np.ndarray, count: int) -> np.ndarray:
    """Which of `count` files ran at two speeds while their neighbours did not: some samples are far below the median.

    `residual` [n]: log seconds relative to the file's value at the machine's speed; `file` [n]: the file's index.
    """
    return np.flatnonzero(np.bincount(file[residual < -GAP], minlength=count) >= REPEATED)
