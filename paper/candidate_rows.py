"""The rows of candidates.csv: the architectures that a search evaluated, and which of them won."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Candidate:
    """An architecture that a search evaluated."""

    strategy: str
    arch: str
    accuracy: float  # fraction of the validation images, with inherited weights
    score: float
    feasible: bool
    costs: Mapping[str, float]  # predicted, by column: latency_s (measured if `timed`), then those in bytes
    trained_accuracy: float | None = None  # of a finalist: fraction of the validation images after a short training
    trained_score: float | None = None  # the objective's, for that accuracy
    timed: bool = False  # whether it was timed on the device, because its prediction left open if it meets the target


def winner_of(candidates: Iterable[Candidate]) -> Candidate:
    """The search's winner: the finalist with the highest trained score, or without finalists the highest score.

    If no candidate is feasible, the least infeasible one. Of equal ones the first.
    """
    return max(
        candidates,
        key=lambda one: (-math.inf if one.trained_score is None else one.trained_score, one.feasible, one.score),
    )
