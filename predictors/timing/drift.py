"""Drift correction: estimates the machine's speed at every sample from all files.

log seconds = file + speed(round, position) + noise, fitted by median polish (Tukey 1977) with one change: the speed is
not one number per round but a running median along it, so changes within a round are followed too. Every round is
shuffled, so a file has different neighbours each time, and their estimates are independent.
"""

from __future__ import annotations

from collections.abc import Sequence
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
    bounds = np.cumsum([0, *(len(order) for order, _ in rounds)])
    spans = [slice(a, b) for a, b in zip(bounds, bounds[1:])]  # noqa: RUF007 (Python 3.9, on an offline board)
    number = np.repeat(np.arange(len(rounds)), np.diff(bounds))
    speed = np.zeros(len(file))
    for _ in range(SWEEPS):
        before = speed
        residual = logs - _medians(logs - speed, file, len(names), trusted)[file]
        speed = np.concatenate([_running(residual[span]) for span in spans])
        speed -= np.median([np.median(speed[span][trusted[span]]) for span in spans if trusted[span].any()])
        if np.array_equal(speed, before):
            break
    residual = logs - speed - _medians(logs - speed, file, len(names), trusted)[file]
    spread = np.concatenate([TO_SIGMA * _running(np.abs(residual[span])) for span in spans])
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


def _running(values: np.ndarray) -> np.ndarray:
    """The running median of WINDOW values, of the same length; constant at the ends."""
    if len(values) <= WINDOW:
        return np.full(len(values), np.median(values))
    medians = np.median(np.lib.stride_tricks.sliding_window_view(values, WINDOW), axis=1)
    return medians[np.clip(np.arange(len(values)) - WINDOW // 2, 0, len(medians) - 1)]
