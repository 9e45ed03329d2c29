"""The range of a number, declared in the annotation of the field that it limits:

steps: Annotated[int, Range(1, 100_000_000)]
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, get_type_hints


@dataclass(frozen=True)
class Range:
    """From `low` to `high`; `above` excludes `low`, `below` excludes `high`. NaN is in no range."""

    low: float
    high: float
    unit: str = ""
    above: bool = False
    below: bool = False

    def __contains__(self, value: float) -> bool:
        return (self.low < value if self.above else self.low <= value) and (
            value < self.high if self.below else value <= self.high
        )

    def __str__(self) -> str:
        low = f"{'above' if self.above else 'from'} {_written(self.low)}"
        joined = "and" if self.above or self.below else "to"
        high = f"{'below ' if self.below else 'at most ' if self.above else ''}{_written(self.high)}"
        return f"{low} {joined} {high}" + (f" ({self.unit})" if self.unit else "")


def _written(number: float) -> str:
    return f"{number:,}" if isinstance(number, int) else f"{number:g}"


Seed = Annotated[int, Range(0, 2**32 - 1)]  # accepted by every library
Fraction = Annotated[float, Range(0, 1)]


def ranges(declared: Callable[..., Any]) -> Mapping[str, Range]:
    """The ranges in the annotations of a dataclass's fields or a function's parameters, by name."""
    hints = get_type_hints(declared, include_extras=True)
    marks = {name: getattr(hint, "__metadata__", ()) for name, hint in hints.items()}
    return {name: mark for name, found in marks.items() for mark in found if isinstance(mark, Range)}
