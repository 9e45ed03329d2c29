"""The lower end of a figure's scale of accuracies: one network that is far worse would make the others look alike."""

from __future__ import annotations

from collections.abc import Collection
from statistics import median

CUT = 3  # the scale's length, in units of the distance from the best to the median
SHORTEST = 0.4  # points: that distance at least


def unit(percents: Collection[float]) -> float:
    """The distance from the best accuracy to the median one, in points."""
    return max(max(percents) - median(percents), SHORTEST)


def lowest(percents: Collection[float]) -> float:
    """The lowest accuracy that has its own place; lower ones are drawn at the edge."""
    return max(max(percents) - CUT * unit(percents), min(percents))


def sentence(percents: Collection[float]) -> str:
    """Empty if all are on the scale."""
    below = min(percents) < lowest(percents)
    return " Networks with an accuracy next to their name lie below the scale." if below else ""
