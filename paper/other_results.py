"""Folders of the results: files of one command each, made with other settings than the paper's run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from paper import checksums, comparison, origin
from paper.origin import Group
from paper.recipe_rows import TriedRecipe
from paper.rows import FILES, Pair, Summed
from paper.seed_rows import Seeded

GROUPS: Mapping[type, Group] = {  # kind of rows -> the files of its command
    Pair: comparison.GROUP,
    Seeded: origin.OPTIONAL["Seeds"],
    TriedRecipe: origin.OPTIONAL["Recipes"],
    Summed: origin.GROUPS["Protocol"],
}


def folders(results: Path, kind: type) -> list[Path]:
    """The folders with rows of a kind, in the order of their names."""
    return sorted(path.parent for path in results.glob(f"*/{FILES[kind]}"))


def check(results: Path) -> None:
    """Raises ResultError for a folder whose files were changed or are missing."""
    for folder in sorted({folder for kind in GROUPS for folder in folders(results, kind)}):
        checksums.check(folder)
