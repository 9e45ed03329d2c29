"""What each part of a training recipe gains on validation images, and how much per CPU minute."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from paper.figures import style
from paper.recipe_rows import TriedRecipe, labels
from paper.rows import read

WIDTH = 26  # letters of a line of a recipe
HIGHEST = 6.0  # inches


def draw(results: Path) -> Figure:
    """From recipes.csv."""
    return plot(read(results, TriedRecipe))


@rc_context(style.RC)
def plot(rows: Sequence[TriedRecipe]) -> Figure:
    """A line for each recipe; the first row is the base, whose accuracy and cost are in the title."""
    base, *others = rows
    names = ["\n".join(wrap(name, WIDTH)) for name in labels([row.recipe for row in others])]
    lines = np.array([1 + name.count("\n") for name in names])
    figure = style.figure(min(0.9 + 0.19 * len(others) + 0.1 * (lines - 1).sum(), HIGHEST))
    gains, rates = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    places = np.cumsum((lines + 1) / 2) - (lines + 1) / 4
    for place, row in zip(places, others):
        colour = style.BLUE if row.gained >= 0 else style.RED
        gains.plot([100 * row.gained], [place], "o", color=colour, markersize=3.5)
        if row.gained_low is not None and row.gained_high is not None:
            gains.plot([100 * row.gained_low, 100 * row.gained_high], [place, place], color=colour, linewidth=1)
        rates.barh([place], [100 * row.gained_per_minute], color=colour, height=0.5)
    for axes, label in ((gains, "points gained"), (rates, "points per\nCPU minute")):
        axes.axvline(0, color=style.GREY, linewidth=0.6)
        axes.set_xlabel(label)
    gains.set_yticks(places, names)
    gains.invert_yaxis()
    figure.suptitle(f"base: {100 * base.accuracy:.1f} % in {base.cpu_minutes:.3g} CPU minutes", fontsize=7)
    return figure


if __name__ == "__main__":
    style.main(draw)
