"""Rows of a study of training recipes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_uppercase


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


def labels(recipes: Sequence[str]) -> list[str]:
    """Short names: of a recipe that begins like an earlier one, the letter of that one and what it adds."""
    starts = [
        max((p for p in recipes[:at] if one.startswith(f"{p} ")), key=len, default="") for at, one in enumerate(recipes)
    ]
    letters = dict(zip([one for one in recipes if one in starts], ascii_uppercase))
    made = []
    for one, start in zip(recipes, starts):
        own = f"{letters[start]}, {one.removeprefix(start).strip()}" if start in letters else one
        made.append(f"{own} (= {letters[one]})" if one in letters else own)
    return made
