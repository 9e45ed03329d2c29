"""The quality of each strategy over evaluations and seconds: means over seeds, with intervals."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from paper.comparison import BASELINE, SETUP, recorded
from paper.comparison_setup import in_points
from paper.figures import style
from paper.rows import Curve, read
from paper.setup_file import setup

COLOURS = (style.BLUE, style.ORANGE, style.GREEN, style.PURPLE, style.RED, style.SKY)
LINES = ("-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)), (0, (1, 2)))  # differ without colour too
Look = tuple[str, Any]  # colour, kind of line
SHARE, POINTS, SCORE = (100, "hypervolume (%)"), (100, "regret (points)"), (1, "regret (score)")  # scale, label
COLUMNS = ("evaluations", "seconds")


def draw(results: Path) -> Figure:
    """From curves.csv, and from the objective in compare_setup.csv."""
    made = setup(results, SETUP) if recorded(results) else None
    return plot(read(results, Curve), POINTS if in_points(made) else SCORE)


@rc_context(style.RC)
def plot(curves: Sequence[Curve], regret: tuple[float, str] = SCORE) -> Figure:
    """A colour and a line for each strategy, grey for random search. Scales start after a tenth of the budget.

    `regret`: its scale and its label.
    """
    figure, rows = style.figure(3.1), {"share": SHARE, "regret": regret}
    grid = figure.subplots(len(rows), len(COLUMNS), sharey="row", sharex="col")
    others = [name for name in dict.fromkeys(curve.strategy for curve in curves) if name != BASELINE]
    looks = dict(zip(others, cycle(zip(COLOURS, LINES)))) | {BASELINE: (style.GREY, "-")}
    for row, (measure, (scale, label)) in zip(grid, rows.items()):
        for axes, against in zip(row, COLUMNS):
            _panel(axes, [curve for curve in curves if curve.against == against], measure, scale, looks)
        row[0].set_ylabel(label)
        row[0].set_ylim(*_range(curves, measure, scale))
    for axes, against in zip(grid[-1], COLUMNS):
        axes.set_xlabel(against)
    seconds = grid[-1][-1]
    seconds.set_xscale("log")
    seconds.xaxis.set_major_locator(LogLocator())
    seconds.xaxis.set_major_formatter("{x:g}")
    seconds.xaxis.set_minor_formatter(NullFormatter())
    figure.legend(*grid[0][0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return figure


def _panel(axes: Axes, curves: Sequence[Curve], measure: str, scale: float, looks: dict[str, Look]) -> None:
    for name, (colour, line) in looks.items():
        own = [
            one for one in curves if one.strategy == name and (one.against != COLUMNS[0] or one.at <= one.evaluations)
        ]
        at = [curve.at for curve in own]
        mean, low, high = ([scale * v for v in _values(own, measure, end)] for end in ("", "_low", "_high"))
        width = 2 if name == BASELINE else 1.1
        axes.plot(at, mean, color=colour, linestyle=line, linewidth=width, label=name, drawstyle="steps-post")
        if low:
            axes.fill_between(at, low, high, color=colour, alpha=0.2, linewidth=0, step="post")


def _values(curves: Sequence[Curve], measure: str, end: str) -> list[float]:
    """Means, or bounds of their intervals; NaN where a single seed has none."""
    found = (getattr(curve, f"{measure}{end}") for curve in curves)
    return [value for value in found if value is not None]


def _range(curves: Sequence[Curve], measure: str, scale: float) -> tuple[float, float]:
    """The range of the intervals after a tenth of the evaluations, with a margin."""
    own = [curve for curve in curves if curve.against == COLUMNS[0]]
    late = [curve for curve in own if curve.at >= max(c.at for c in own) / 10]
    reached = [v for end in ("", "_low", "_high") for v in _values(late, measure, end)]
    low, high = scale * min(reached), scale * max(reached)
    margin = 0.05 * (high - low) or 1e-3
    return low - margin, high + margin


if __name__ == "__main__":
    style.main(draw)
