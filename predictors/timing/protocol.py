"""How long to measure: the numbers of a measuring. No numpy here: a configuration holds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from search_spaces.errors import LutraError
from search_spaces.ranges import Range, Seed


@dataclass(frozen=True)
class Protocol:
    """How long to measure: until the 95 % interval of every row is within `within` of it, or `max_rounds`."""

    min_rounds: Annotated[int, Range(1, 1_000)] = 9  # that count
    max_rounds: Annotated[int, Range(1, 1_000)] = 15  # in all
    sample_seconds: Annotated[float, Range(1e-4, 10)] = 0.02
    within: Annotated[float, Range(0, 1, above=True)] = 0.02
    seed: Seed = 0

    def check(self) -> None:
        """Raises LutraError where the rounds that must count are more than there may be."""
        if self.max_rounds < self.min_rounds:
            raise LutraError(
                f"measure.min_rounds={self.min_rounds} is above measure.max_rounds={self.max_rounds}: "
                f"add measure.max_rounds={self.min_rounds}, or more"
            )
