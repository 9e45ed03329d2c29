"""Whether a machine ran at one speed: how far its speed may move, and a test for two speeds.

A clock that drifts is corrected (`predictors.timing.drift`), since it slows all files down alike. Slow and fast cores,
turbo and a busy sibling thread do not: each file loses a different part of its speed, which no common factor gives
back.
"""

from __future__ import annotations

import math

import numpy as np

RANGE = math.log(1.25)  # a sample counts while the machine's speed is this close to its median
GAP = math.log(1.25)  # between two speeds, at least
BETWEEN = 0.1  # of the smaller group's samples, at most, may lie in the gap
SLOW = 0.1  # of all samples, at least, form a slower group: other programs delay some of them too
FAST = 0.005  # of all samples, at least, form a faster group: nothing but another speed makes a sample faster
REPEATED = 2  # samples of one file that were faster by GAP: that file ran at two speeds


def in_range(speed: np.ndarray, heard: np.ndarray) -> np.ndarray:
    """Which samples [n] were taken near the median speed of those `heard` [n]; speeds are log seconds."""
    usual = np.sort(speed[heard])[(heard.sum() - 1) // 2]  # a speed that occurred, also where there are two
    return np.abs(speed - usual) <= RANGE


def two_speeds(logs: np.ndarray, fast: float = SLOW, slow: float = SLOW) -> float | None:
    """How many times slower one group of samples is than the other; None where there is one group.

    `logs` [n]: log seconds of samples beside those of their files. Two groups have a gap between them, in which next to
    no samples lie: drift passes through every speed on its way, and noise has no gap. `fast` and `slow` are the least
    parts of all samples that a group holds.
    """
    values = np.sort(logs)
    below = np.arange(1, len(values) + 1)  # samples up to each value
    beyond = np.searchsorted(values, values + GAP)  # the first sample behind a gap that begins at each value
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

    `residual` [n]: log seconds beside those of the file at the machine's speed; `file` [n]: its index.
    """
    return np.flatnonzero(np.bincount(file[residual < -GAP], minlength=count) >= REPEATED)
