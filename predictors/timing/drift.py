"""The machine's speed at every sample, voted for by all files; and how far the votes lie apart there.

log seconds = file + speed(round, position) + noise, by median polish (Tukey 1977) with one change: the speed is no
single number a round but a running median along it, so that a clock that changes within a round is followed too.
As every round is shuffled, a file's neighbours are others each time, and the votes are independent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Samples = tuple[Sequence[str], Sequence[float]]  # one round: file names, seconds; a name may stand more than once
WINDOW = 15  # samples that vote for a speed: a third of a second
SWEEPS = 10
TO_SIGMA = 1.4826  # of a normal distribution's median absolute deviation


@dataclass(frozen=True)
class Drift:
    """All samples of a session in the order of time. Speeds and residuals are logarithms: 0.01 is 1 %."""

    names: tuple[str, ...]
    file: np.ndarray  # [samples], index into names
    round: np.ndarray  # [samples]
    logs: np.ndarray  # [samples], log seconds
    speed: np.ndarray  # [samples], positive where the machine was slower than in the median round
    residual: np.ndarray  # [samples], what neither file nor speed explains
    spread: np.ndarray  # [samples], standard deviation of the residuals around it, by their median


def remove_drift(rounds: Sequence[Samples], heard: np.ndarray) -> Drift:
    """Separates files from speed. Samples that are not `heard`, [samples], get a speed, and say nothing about files."""
    names = tuple(sorted({name for order, _ in rounds for name in order}))
    index = {name: i for i, name in enumerate(names)}
    file = np.array([index[name] for order, _ in rounds for name in order])
    logs = np.log(np.concatenate([seconds for _, seconds in rounds]))
    bounds = np.cumsum([0, *(len(order) for order, _ in rounds)])
    spans = [slice(a, b) for a, b in zip(bounds, bounds[1:])]  # noqa: RUF007 (Python 3.9, on a bundle's board)
    number = np.repeat(np.arange(len(rounds)), np.diff(bounds))
    speed = np.zeros(len(file))
    for _ in range(SWEEPS):
        before = speed
        residual = logs - _medians(logs - speed, file, len(names), heard)[file]
        speed = np.concatenate([_running(residual[span]) for span in spans])
        speed -= np.median([np.median(speed[span][heard[span]]) for span in spans if heard[span].any()])
        if np.array_equal(speed, before):
            break
    residual = logs - speed - _medians(logs - speed, file, len(names), heard)[file]
    spread = np.concatenate([TO_SIGMA * _running(np.abs(residual[span])) for span in spans])
    return Drift(names, file, number, logs, speed, residual, spread)


def _medians(values: np.ndarray, group: np.ndarray, count: int, heard: np.ndarray) -> np.ndarray:
    """The median of each group's heard values, [count]; of all its values where none is heard."""
    heard = heard | ~np.isin(group, group[heard])
    values, group = values[heard], group[heard]
    order = np.lexsort((values, group))
    first = np.searchsorted(group[order], np.arange(count))
    size = np.bincount(group, minlength=count)
    ordered = values[order]
    return (ordered[first + (size - 1) // 2] + ordered[first + size // 2]) / 2


def _running(values: np.ndarray) -> np.ndarray:
    """The median of the WINDOW values around each, of the same length; at the ends, of the outermost WINDOW."""
    if len(values) <= WINDOW:
        return np.full(len(values), np.median(values))
    medians = np.median(np.lib.stride_tricks.sliding_window_view(values, WINDOW), axis=1)
    return medians[np.clip(np.arange(len(values)) - WINDOW // 2, 0, len(medians) - 1)]
