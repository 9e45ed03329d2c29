"""What the files can show: whether two latencies, or two accuracies, differ by more than chance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from paper.compression_rows import Stage

CONFIDENCE = 0.95  # of all intervals
SAME_TIME = 0.02  # fraction: approximate uncertainty of medians
STUDENT = (12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26)  # 97.5 % quantiles of t with 1, 2, ... degrees


def macros(results: Path) -> dict[str, str]:
    """Macro name -> LaTeX: what the text says of these rules."""
    return {"Confidence": rf"{100 * CONFIDENCE:g}\,\%", "SameTime": rf"{100 * SAME_TIME:g}\,\%"}


def overlap(one: Stage, other: Stage) -> bool:
    """Whether the intervals of their latencies overlap; those of older files are not known, and have no length."""
    return max(one.interval[0], other.interval[0]) <= min(one.interval[1], other.interval[1])


def clearly_faster(one: Stage, other: Stage) -> bool:
    """Whether one takes less time, beyond the uncertainty of medians and the intervals."""
    return one.latency_median_s < (1 - SAME_TIME) * other.latency_median_s and not overlap(one, other)


def chance(one: Stage, other: Stage, images: float) -> float:
    """The points by which two equally accurate networks differ by chance on so many test images."""
    return by_chance(one.test_accuracy, other.test_accuracy, images)


def by_chance(one: float, other: float, images: float) -> float:
    """The same from their accuracies, as fractions: 95 %, binomial, unpaired."""
    return 196 * math.sqrt((one * (1 - one) + other * (1 - other)) / images)


def clearly_better(one: Stage, other: Stage, images: float) -> bool:
    """Whether one is more accurate, beyond chance."""
    return 100 * (one.test_accuracy - other.test_accuracy) > chance(one, other, images)


def mean_interval(values: Sequence[float]) -> tuple[float, float, float]:
    """The mean of two values or more, and its 95 % interval by Student's t."""
    count = len(values)
    mean = sum(values) / count
    deviation = math.sqrt(sum((value - mean) ** 2 for value in values) / (count - 1))
    quantile = STUDENT[count - 2] if count - 2 < len(STUDENT) else 1.96 + 2.6 / (count - 1)
    half = quantile * deviation / math.sqrt(count)
    return mean, mean - half, mean + half
