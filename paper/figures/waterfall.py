"""What each step takes off: measured latency and file size from the hand-made reference down to what is deployed."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from paper.figures import style
from paper.rows import Stage, read

ASIDE = ("random", "inherited")  # not on the way


def draw(results: Path) -> Figure:
    """From stages.csv."""
    return plot(chain(read(results, Stage)))


def chain(rows: Sequence[Stage]) -> list[Stage]:
    """The reference, where there is one, then the winner after each stage, in their order."""
    firsts = {row.stage: row for row in reversed(rows)}  # what comes later under the same name is to compare with
    return [firsts[name] for name in dict.fromkeys(row.stage for row in rows) if name not in ASIDE]


@rc_context(style.RC)
def plot(stages: Sequence[Stage]) -> Figure:
    """First and last stand on the ground; between them hangs what was taken off, or in red what was added."""
    figure = style.figure(2.3)
    left, right = figure.subplots(1, 2, sharey=True)
    scale, unit = (1e6, "µs") if max(stage.latency_median_s for stage in stages) < 1e-3 else (1e3, "ms")
    _panel(left, [scale * stage.latency_median_s for stage in stages], f"measured latency ({unit})")
    _panel(right, [stage.file_bytes / 1e3 for stage in stages], "file (kB)")
    left.set_yticks(range(len(stages) + 1), [*(stage.stage for stage in stages), "deployed"])
    left.invert_yaxis()
    return figure


def _panel(axes: Axes, values: Sequence[float], label: str) -> None:
    """Horizontal bars from top to bottom, each with its number."""
    rows = [(0.0, values[0], style.GREY)]
    rows += [
        (after, before - after, style.BLUE if after <= before else style.RED) for before, after in pairwise(values)
    ]
    rows += [(0.0, values[-1], style.GREY)]
    most = max(values)
    decimals = max(0, 2 - math.floor(math.log10(most)))  # the largest has three digits
    for row, (start, length, colour) in enumerate(rows):
        axes.barh(row, length, left=start, height=0.6, color=colour)
        end = max(start, start + length)
        change = f"{length:.{decimals}f}" if colour == style.GREY else f"{0 - length:+.{decimals}f}"
        axes.text(end + 0.02 * most, row, change, va="center", fontsize=6)
    for row, value in enumerate(values):
        axes.plot([value, value], [row - 0.3, row + 1.3], color="black", linewidth=0.4)
    axes.set_xlim(0, 1.25 * most)
    axes.set_xlabel(label)


if __name__ == "__main__":
    style.main(draw)
