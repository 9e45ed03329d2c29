"""The caption of the study of training recipes, which is optional."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from paper import origin
from paper.latex import count, escape, listed, percent, signed, significant
from paper.other_results import folders
from paper.recipe_rows import TriedRecipe, labels
from paper.rows import read
from paper.setup_file import setup

SETUP = "recipes_setup.csv"


def published(results: Path) -> bool:
    """Whether the results include a study of recipes for the paper's images and space, which is optional."""
    return origin.used(results, "Recipes")


def macros(results: Path) -> dict[str, str]:
    """Macro name -> LaTeX; an empty caption without a published study. Raises ResultError."""
    return {
        "RecipesCaption": _caption(results) if published(results) else "",
        "RecipesSentences": "".join(f"{one} " for one in _sentences(results)),
    }


def _sentences(results: Path) -> Iterator[str]:
    """One for each study in a folder of its own, such as of longer trainings."""
    for folder in folders(results, TriedRecipe):
        made, (base, *tried) = setup(folder, SETUP), read(folder, TriedRecipe)
        found = origin.differences(origin.OPTIONAL["Recipes"], made, setup(results))
        where = f" on {' and '.join(found)}" if found else ""
        seeds = "one seed" if base.seeds == 1 else f"{count(base.seeds)} seeds"
        yield (
            f"In a study{where} of {count(base.passes)} passes over the training images ({escape(folder.name)}), "
            f"{escape(made.text('network'))} reaches {percent(base.accuracy)} of the validation images in "
            f"{significant(base.cpu_minutes)} CPU minutes on {escape(made.text('host_cpu'))}; with {seeds}, "
            f"{listed(map(_gain, tried))}."
        )


def _gain(row: TriedRecipe) -> str:
    known = row.gained_low is not None and row.gained_high is not None
    spread = rf", 95\,\% interval {_points(row.gained_low)} to {_points(row.gained_high)}" if known else ""
    minutes = f"{significant(row.cpu_minutes)} minutes"
    return f"\\texttt{{{escape(row.recipe)}}} changes this by {_points(row.gained)} points (in {minutes}{spread})"


def _points(fraction: float | None) -> str:
    return signed(100 * (fraction or 0.0))


def _passes(results: Path) -> str:
    """Words on the length of the trainings, in passes over the training images."""
    lengths = sorted({f"{row.passes:.3g}" for row in read(results, TriedRecipe)}, key=float)
    return f"trained for {listed(lengths)} passes"


def _caption(results: Path) -> str:
    made = setup(results, SETUP)
    seeds = made.number("seeds")
    names = [row.recipe for row in read(results, TriedRecipe)[1:]]
    marked = "" if labels(names) == names else " A letter stands for the recipe that it marks."
    times = f"the mean of {count(seeds)} seeds with 95\\,\\% t-intervals of paired differences"
    return (
        f"Training recipes for {escape(made.text('network'))}, {_passes(results)}: points gained on "
        f"{count(made.number('validation_images'))} validation images by changing the settings at the left, "
        f"{times if seeds > 1 else 'with one seed, so without intervals'}, and the same per CPU "
        f"minute of training on {escape(made.text('host_cpu'))}.{marked}"
    )
