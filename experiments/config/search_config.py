"""The settings of a search, whatever its strategy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from search_spaces.ranges import Range


@dataclass(frozen=True)
class SearchConfig:
    """How the strategy searches."""

    budget: Annotated[int, Range(1, 1_000_000)] = 100  # distinct architectures to evaluate
    calibration: Annotated[int, Range(2, 10_000_000)] = 2000  # training images for batch-norm statistics
    validation: Annotated[int, Range(0, 10_000_000)] = 0  # validation images for accuracies; 0: all
    # how many of the best candidates are trained from scratch, so that the best of them wins; 0: the supernet chooses
    finalists: Annotated[int, Range(0, 1_000)] = 0
    # the length of each finalist's training, by the recipe of `retrain`
    finalist_passes: Annotated[float, Range(0, 1_000_000, "passes", above=True)] = 1.5
    # whether candidates whose predicted latency leaves open whether they meet the target are timed on the device
    timed: bool = False
    jobs: Annotated[int, Range(1, 1_024)] = 1  # processes that share the evaluation of a population
    backend: str = "loky"  # what runs several jobs
