"""The settings of a measurement's length. Imports no numpy, because the configuration imports it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from search_spaces.errors import LutraError
from search_spaces.ranges import Range, Seed


@dataclass(frozen=True)
class Protocol:
    """How long to measure: until the 95 % interval of every row is within `within` of it, or for `max_rounds`."""

    min_rounds: Annotated[int, Range(1, 1_000)] = 9  # the least rounds that count
    max_rounds: Annotated[int, Range(1, 1_000)] = 15  # the most rounds
    sample_seconds: Annotated[float, Range(1e-4, 10, "seconds")] = 0.02  # length of a sample
    # a row is known when its 95 % interval is within this fraction of it
    within: Annotated[float, Range(0, 1, above=True)] = 0.02
    seed: Seed = 0  # of the order of samples, and of the networks that are timed

    def check(self) -> None:
        """Raises LutraError if more rounds must count than are allowed."""
        if self.max_rounds < self.min_rounds:
            raise LutraError(
                f"measure.min_rounds={self.min_rounds} is above measure.max_rounds={self.max_rounds}: "
                f"add measure.max_rounds={self.min_rounds}, or more"
            )
