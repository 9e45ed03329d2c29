"""The way from the hand-made reference to the INT8 file: test accuracy against measured latency, area for file size."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import pairwise, permutations
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from paper.compression_rows import Stage
from paper.figures import style
from paper.rows import read

CHAIN = ("inherited", "retrained", "pruned", "finetuned", "int8")
ALONE = ("reference", "random")
LARGEST = 160  # square points
NAMES_AT = 1.06  # fraction of the axes' width


def draw(results: Path) -> Figure:
    """From stages.csv."""
    return plot(read(results, Stage))


@rc_context(style.RC)
def plot(rows: Sequence[Stage]) -> Figure:
    """Arrows follow the winner; names stand in a column at the right, so that none covers a point."""
    stages = [row for row in rows if row.precision == ("int8" if row.stage == "int8" else "fp32")]
    figure = style.figure(2.5)
    axes = figure.subplots()
    points = {s.stage: (1e3 * s.latency_median_s, 100 * s.test_accuracy) for s in stages}
    biggest = max(s.file_bytes for s in stages)
    for stage in stages:
        colour = style.GREY if stage.stage in ALONE else style.PRECISIONS[stage.precision][0]
        area = LARGEST * stage.file_bytes / biggest
        axes.scatter(*points[stage.stage], s=area, color=colour, alpha=0.55, edgecolor="black", linewidth=0.5)
    for start, end in pairwise([name for name in CHAIN if name in points]):
        arrow = {"arrowstyle": "->", "linewidth": 0.7, "shrinkA": 2, "shrinkB": 2, "connectionstyle": "arc3,rad=0.15"}
        axes.annotate("", points[end], points[start], arrowprops=arrow)
    heights = [height for _, height in points.values()]
    room = max(0.12 * (max(heights) - min(heights)), 0.5)
    axes.set_ylim(min(heights) - room, max(heights) + room)
    axes.margins(x=0.12)
    axes.autoscale_view(scaley=False)
    anchors = axes.transAxes.inverted().transform(axes.transData.transform(list(points.values())))
    for stage, height in zip(stages, _heights(anchors)):
        axes.annotate(
            f"{stage.stage}, {stage.file_bytes / 1e3:.{0 if stage.file_bytes >= 1e5 else 1}f} kB",
            points[stage.stage],
            (NAMES_AT, height),
            textcoords="axes fraction",
            fontsize=7,
            va="center",
            arrowprops={"arrowstyle": "-", "linewidth": 0.4, "color": style.GREY, "shrinkB": 0, "relpos": (0, 0.5)},
        )
    axes.set_xlabel("measured latency (ms)")
    axes.set_ylabel("test accuracy (%)")
    return figure


def _heights(anchors: np.ndarray) -> np.ndarray:
    """Where each name stands, so that no two lines from points [n, 2] cross: the matching of least total length."""
    heights = np.linspace(0.02, 0.98, len(anchors))
    x, y = anchors.T
    lengths = np.hypot(NAMES_AT - x[:, None], y[:, None] - heights)
    ways = np.array(list(permutations(range(len(anchors)))))
    return heights[ways[lengths[range(len(anchors)), ways].sum(1).argmin()]]


if __name__ == "__main__":
    style.main(draw)
