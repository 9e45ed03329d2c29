"""Tests the short names of recipes in the figure of a study."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from paper.recipe_rows import labels

WORD = st.sampled_from(["muon=0.02", "ema=0", "cutout=0.25", "passes=10"])
RECIPES = st.lists(st.lists(WORD, min_size=1, max_size=4).map(" ".join), unique=True, max_size=12)


@given(RECIPES)
def test_every_recipe_can_be_read_from_its_label(recipes: list[str]) -> None:
    marked: dict[str, str] = {}
    for recipe, label in zip(recipes, labels(recipes), strict=True):
        start, own, mark = re.fullmatch(r"(?:([A-Z]), )?(.*?)(?: \(= ([A-Z])\))?", label).groups()  # type: ignore[union-attr]
        assert recipe == (f"{marked[start]} {own}" if start else own)
        if mark:
            assert mark not in marked
            marked[mark] = recipe
