"""Rows of a study of training recipes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TriedRecipe:
    """A training recipe over all seeds; the first row is the base recipe. Accuracies are of validation images."""

    recipe: str  # what it changes
    steps: int
    passes: float  # over the training images
    seeds: int
    accuracy: float  # fraction, the mean
    gained: float  # on the base recipe, fraction
    gained_low: float | None  # 95 % t-interval of the paired differences; None: one seed has none
    gained_high: float | None
    cpu_minutes: float  # processor time of one training, over all threads
    gained_per_minute: float
