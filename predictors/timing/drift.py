"""Drift correction: estimates the machine's speed at every sample from all files.

log seconds = file + speed(round, position) + noise, fitted by median polish (Tukey 1977) with one change: the speed is
not one number per round but a running median along it, so changes within a round are followed too. Every round is
shuffled, so a file has different neighbours each time, and their estimates are independent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

Samples = tuple[Sequence[str], Sequence[float]]  # one round: file names (may repeat) and seconds
WINDOW = 15  # samples in the running median: a third of a second
SWEEPS = 10
TO_SIGMA = 1.4826  # standard deviation / median absolute deviation of a normal distribution


@dataclass(frozen=True)
class Drift:
    """All samples of a session in order of time. Speeds and residuals are logarithms: 0.01 is 1 %."""

    names: tuple[str, ...]
    file: np.ndarray  # [samples], index into names
    round: np.ndarray  # [samples]
    logs: np.ndarray  # [samples], log seconds
    speed: np.ndarray  # [samples], positive where the machine was slower than in the median round
    residual: np.ndarray  # [samples], explained by neither file nor speed
    spread: np.ndarray  # [samples], standard deviation of nearby residuals, from their median absolute value


def estimate_drift(rounds: Sequence[Samples], trusted: np.ndarray) -> Drift:
    """Separates each file's time from the machine's speed, which `predictors.timing.values.log_seconds` then removes.

    Samples outside `trusted` [samples] get a speed, but do not influence the files' times.
    """
    names = tuple(sorted({name for order, _ in rounds for name in order}))
    index = {name: i for i, name in enumerate(names)}
    file = np.array([index[name] for order, _ in rounds for name in order])
    logs = np.log(np.concatenate([seconds for _, seconds in rounds]))
    sizes = np.array([len(order) for order, _ in rounds])
    number = np.repeat(np.arange(len(rounds)), sizes)
    known = np.unique(number[trusted])
    running = _running_median(sizes)
    speed = np.zeros(len(file))
    for _ in range(SWEEPS):
        before = speed
        residual = logs - _medians(logs - speed, file, len(names), trusted)[file]
        speed = running(residual)
        speed -= np.median(_medians(speed, number, len(rounds), trusted)[known])
        if np.array_equal(speed, before):
            break
    residual = logs - speed - _medians(logs - speed, file, len(names), trusted)[file]
    spread = TO_SIGMA * running(np.abs(residual))
    return Drift(names, file, number, logs, speed, residual, spread)


def _medians(values: np.ndarray, group: np.ndarray, count: int, trusted: np.ndarray) -> np.ndarray:
    """The median of each group's `trusted` values [count]; of all its values if none is trusted."""
    trusted = trusted | ~np.isin(group, group[trusted])
    values, group = values[trusted], group[trusted]
    order = np.lexsort((values, group))
    first = np.searchsorted(group[order], np.arange(count))
    size = np.bincount(group, minlength=count)
    ordered = values[order]
    return (ordered[first + (size - 1) // 2] + ordered[first + size // 2]) / 2


def _running_median(sizes: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """The running median of WINDOW samples along rounds of `sizes` samples, constant at the ends of each round.

    A round of fewer samples has one median.
    """
    number, ends = np.repeat(np.arange(len(sizes)), sizes), np.cumsum(sizes)
    whole = (sizes >= WINDOW)[number]  # samples of rounds that a window fits into
    first = np.clip(np.arange(len(number)) - WINDOW // 2, (ends - sizes)[number], (ends - WINDOW)[number])[whole]

    def running(values: np.ndarray) -> np.ndarray:
        found = np.empty(len(values))
        if not whole.all():
            found[~whole] = _medians(values, number, len(sizes), ~whole)[number[~whole]]
        if whole.any():
            windows = np.lib.stride_tricks.sliding_window_view(values, WINDOW)[first]
            found[whole] = np.partition(windows, WINDOW // 2, axis=1)[:, WINDOW // 2]
        return found

    return running
