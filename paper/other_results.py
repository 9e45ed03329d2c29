"""Folders of the results: files of one command each, made with other settings than the paper's run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from paper import checksums, comparison
from paper.recipe_rows import TriedRecipe
from paper.rows import FILES, Pair, Summed
from paper.seed_rows import Seeded

SETUPS: Mapping[type, str] = {  # kind of rows -> the file with the settings
    Pair: comparison.SETUP,
    Seeded: "seeds_setup.csv",
    TriedRecipe: "recipes_setup.csv",
    Summed: "protocols_setup.csv",
}


def folders(results: Path, kind: type) -> list[Path]:
    """The folders with rows of a kind, in the order of their names."""
    return sorted(path.parent for path in results.glob(f"*/{FILES[kind]}"))


def files_of(kind: type) -> list[str]:
    """The files that are published with rows of a kind, without their settings."""
    return [*comparison.FILES_OF_IT[:-1]] if kind is Pair else [FILES[kind]]


def check(results: Path) -> None:
    """Raises ResultError for a folder whose files were changed or are missing."""
    for folder in sorted({folder for kind in SETUPS for folder in folders(results, kind)}):
        checksums.check(folder)
