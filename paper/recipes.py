"""The caption of the study of training recipes, which is optional."""

from __future__ import annotations

from pathlib import Path

from paper import origin
from paper.latex import count, escape
from paper.setup_file import setup

SETUP = "recipes_setup.csv"


def published(results: Path) -> bool:
    """Whether the results include a study of recipes for the paper's images and space, which is optional."""
    return origin.used(results, "Recipes")


def macros(results: Path) -> dict[str, str]:
    """Macro name -> LaTeX; an empty caption without a published study. Raises ResultError."""
    return {"RecipesCaption": _caption(results) if published(results) else ""}


def _caption(results: Path) -> str:
    made = setup(results, SETUP)
    return (
        f"Parts of the training recipe, each switched alone for {escape(made.text('network'))}: points gained on "
        f"{count(made.number('validation_images'))} validation images over the base recipe, the mean of "
        f"{count(made.number('seeds'))} seeds with 95\\,\\% t-intervals of paired differences, and the same per CPU "
        f"minute of training on {escape(made.text('host_cpu'))}."
    )
