"""The values of files and rows: medians with 95 % intervals, and weighted sums with their combined error."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import TypeVar

import numpy as np

from predictors.timing.judgement import Judgement

Key = TypeVar("Key")  # a file's name, or the network in it
FEW = 5  # rounds; with fewer, one outlier moves the median


@dataclass(frozen=True)
class Value:
    """Seconds and their 95 % interval, at the session's common speed."""

    seconds: float
    low: float
    high: float

    @property
    def half_width(self) -> float:
        return (self.high - self.low) / 2

    @property
    def relative_half_width(self) -> float:
        return self.half_width / self.seconds


@dataclass(frozen=True)
class Row:
    """A row of a table: a weighted sum of timed files, by name. A layer is its network minus half of each context.

    A layer that is cheap relative to the network may be known less precisely than a costly one: its error is a fraction
    of `scale`, another weighted sum of files, if that is larger than the row itself.
    """

    weights: Mapping[str, float]
    scale: Mapping[str, float] = field(default_factory=dict)

    def value(self, files: Mapping[str, Value]) -> Value:
        return combined(self.weights, files)

    def error(self, files: Mapping[str, Value]) -> float:
        """Half of the 95 % interval, as a fraction of the row's seconds or scale; infinite for a non-positive row."""
        value = self.value(files)
        least = sum(weight * files[name].seconds for name, weight in self.scale.items())
        return value.half_width / max(value.seconds, least) if value.seconds > 0 else math.inf


def rows_of(files: Iterable[str]) -> dict[str, Row]:
    """One row for each file."""
    return {name: Row({name: 1.0}) for name in files}


def combined(weights: Mapping[Key, float], files: Mapping[Key, Value]) -> Value:
    """A weighted sum of files, whose errors are independent, so they add as squares."""
    parts = [(weight, files[name]) for name, weight in weights.items()]
    seconds = sum(weight * value.seconds for weight, value in parts)
    if len(parts) == 1 and parts[0][0] == 1:
        return parts[0][1]
    below = [value.seconds - value.low if weight > 0 else value.high - value.seconds for weight, value in parts]
    above = [value.high - value.seconds if weight > 0 else value.seconds - value.low for weight, value in parts]
    low, high = (math.hypot(*(weight * one for (weight, _), one in zip(parts, side))) for side in (below, above))
    return Value(seconds, seconds - low, seconds + high)


def file_values(judgement: Judgement) -> dict[str, Value]:
    """Each file's median over the rounds that count, at the common speed; over all rounds if too few count."""
    counted, every = log_seconds(judgement), log_seconds(judgement, every=True)
    return {name: _median(counted[name] if len(counted[name]) >= FEW else every[name]) for name in counted}


def log_seconds(judgement: Judgement, every: bool = False) -> dict[str, dict[int, list[float]]]:
    """Log seconds at the common speed, by file and round, of the samples that count, or of `every` sample."""
    drift = judgement.drift
    found: dict[str, dict[int, list[float]]] = {name: {} for name in drift.names}
    for index in np.flatnonzero(judgement.counts | every):
        sample = float(drift.logs[index] - drift.speed[index])
        found[drift.names[drift.file[index]]].setdefault(int(drift.round[index]), []).append(sample)
    return found


def _median(samples: Mapping[int, Sequence[float]]) -> Value:
    medians = np.sort([median(of_round) for of_round in samples.values()])  # NumPy's takes 100 us for one number
    low, high = _interval(len(medians))
    return Value(*np.exp([np.median(medians), medians[low], medians[high]]).tolist())


def _interval(count: int) -> tuple[int, int]:
    """Indices of sorted samples that bound the median with 95 % (order statistics); the extremes below six samples."""
    below = 0.0
    for rank in range(count // 2):
        below += math.comb(count, rank) / 2**count
        if below > 0.025:
            return max(rank - 1, 0), min(count - rank, count - 1)
    return 0, count - 1
