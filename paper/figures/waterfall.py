"""The effect of each step on accuracy, latency and file size, from the hand-made reference to the INT8 file."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from paper.chain import stage_of
from paper.figures import style
from paper.rows import Stage, read
from paper.setup_file import setup

ASIDE = ("random", "inherited")  # not part of the chain
ROOM = 0.35  # space for numbers beside the bars, as a fraction of the longest


def draw(results: Path) -> Figure:
    """From stages.csv."""
    return plot(chain(read(results, Stage)), setup(results).values.get("deployed", ""))


def chain(rows: Sequence[Stage]) -> list[Stage]:
    """The reference, if there is one, then the winner after each stage, in order."""
    firsts = {row.stage: row for row in reversed(rows)}  # later rows of the same name are only for comparison
    return [firsts[name] for name in dict.fromkeys(row.stage for row in rows) if name not in ASIDE]


def done(network: str) -> str:
    """What made a network, in one word."""
    return "search" if network == "retrained" else stage_of(network)[0]


def ended(stages: Sequence[Stage], deployed: str) -> str:
    """The name of the last bar. `deployed`: the precision of the deployed file; empty for that of the last stage."""
    last = stages[-1].precision
    return "deployed" if deployed in ("", last) else f"in {last.upper()}"


@rc_context(style.RC)
def plot(stages: Sequence[Stage], deployed: str = "") -> Figure:
    """The first and last bars show values, those between changes: blue for better, red and hatched for worse."""
    figure = style.figure(0.6 + 0.2 * len(stages), style.PAGE)
    accuracy, latency, size = figure.subplots(1, 3, sharey=True)
    scale, unit = (1e6, "µs") if max(stage.latency_median_s for stage in stages) < 1e-3 else (1e3, "ms")
    _cut(accuracy, [100 * stage.test_accuracy for stage in stages], "test accuracy (%)")
    _grounded(latency, [scale * stage.latency_median_s for stage in stages], f"measured latency ({unit})")
    _grounded(size, [stage.file_bytes / 1e3 for stage in stages], "file (kB)")
    first, *rest = (stage.stage for stage in stages)
    names = [f"{first}, {stages[0].precision}", *map(done, rest), ended(stages, deployed)]
    accuracy.set_yticks(range(len(names)), names)
    accuracy.invert_yaxis()
    return figure


def _cut(axes: Axes, values: Sequence[float], label: str) -> None:
    """Accuracy: higher is better. The axis does not start at 0, so the first and last values are drawn as points."""
    low, high = min(values), max(values)
    span = max(high - low, 1.0)
    _steps(axes, values, style.BLUE, style.RED, 0.03 * span, 1)
    for row, value in ((0, values[0]), (len(values), values[-1])):
        axes.plot(value, row, "o", color=style.GREY, markersize=4)
        axes.text(value + 0.06 * span, row, f"{value:.1f}", va="center", fontsize=7)
    axes.set_xlim(low - 0.1 * span, high + ROOM * span)
    axes.set_xlabel(label)


def _grounded(axes: Axes, values: Sequence[float], label: str) -> None:
    """Costs: lower is better, and the first and last bars start at 0."""
    most = max(values)
    decimals = max(0, 2 - math.floor(math.log10(most)))  # three digits for the largest
    _steps(axes, values, style.RED, style.BLUE, 0.02 * most, decimals)
    for row, value in ((0, values[0]), (len(values), values[-1])):
        axes.barh(row, value, height=0.6, color=style.GREY)
        axes.text(value + 0.02 * most, row, f"{value:.{decimals}f}", va="center", fontsize=7)
    axes.set_xlim(0, (1 + ROOM) * most)
    axes.set_xlabel(label)


def _steps(axes: Axes, values: Sequence[float], more: str, less: str, gap: float, decimals: int) -> None:
    """A bar and a number for each change, from top to bottom; thin lines connect equal values."""
    for row, (before, after) in enumerate(pairwise(values), 1):
        colour = more if after > before else less
        hatch = "////" if colour == style.RED else ""  # readable without colour
        look: dict[str, Any] = {"color": colour, "hatch": hatch, "edgecolor": "white", "linewidth": 0}
        axes.barh(row, after - before, left=before, height=0.6, **look)
        text = f"{after - before:+z.{decimals}f}".replace("-", "\N{MINUS SIGN}")
        text = text.strip("+") if not text.strip("+0.") else text  # nothing has no sign
        axes.text(max(before, after) + gap, row, text, va="center", fontsize=7)
    for row, value in enumerate(values):
        axes.plot([value, value], [row - 0.3, row + 1.3], color="black", linewidth=0.4)


if __name__ == "__main__":
    style.main(draw)
