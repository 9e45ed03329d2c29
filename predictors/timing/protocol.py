"""The settings that determine how long a measurement takes. No numpy here: the configuration imports this file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from search_spaces.errors import LutraError
from search_spaces.ranges import Range, Seed

ANY = 1.0  # `within` of a measurement that only needs values above 0


@dataclass(frozen=True)
class Protocol:
    """How long to measure: until the 95 % interval of every row is within `within` of it, or for `max_rounds`."""

    min_rounds: Annotated[int, Range(1, 1_000)] = 9  # the smallest number of rounds that count
    max_rounds: Annotated[int, Range(1, 1_000)] = 15  # the largest number of rounds
    sample_seconds: Annotated[float, Range(1e-4, 10, "seconds")] = 0.02  # length of a sample
    # a row is known when half of its 95 % interval is at most this fraction of it; 1: any value above 0 will do
    within: Annotated[float, Range(0, 1, above=True)] = 0.02
    seed: Seed = 0  # for the order of samples, and the choice of whole networks to time

    def check(self) -> None:
        """Raises LutraError if `min_rounds` exceeds `max_rounds`."""
        if self.max_rounds < self.min_rounds:
            raise LutraError(
                f"measure.min_rounds={self.min_rounds} is above measure.max_rounds={self.max_rounds}: "
                f"add measure.max_rounds={self.min_rounds}, or more"
            )
