"""The winner after each subset of the stages of compression: test accuracy against latency, area for file size."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from itertools import count, pairwise
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from paper import accuracy_scale
from paper.compression import NOTHING, WHOLE, key, shown, variants
from paper.compression_rows import PRECISION_NAMES, Variant
from paper.figures import style

LARGEST = 140  # square points
# Typographic points: from a point to its name, height and width of a letter, half of a point's mark
ASIDE, APART, LETTER, MARK = 10, 8, 4.3, 3
Box = tuple[float, float, float, float]  # left, bottom, right, top
PATH = (NOTHING, "prune, finetune", WHOLE)


def draw(results: Path) -> Figure:
    """From ablation.csv."""
    return plot(shown(variants(results)))


@rc_context(style.RC)
def plot(rows: Mapping[str, Variant]) -> Figure:
    """Names are the keys of the table; arrows lead from the winner through pruning and finetuning to INT8."""
    figure = style.figure(2.7)
    axes = figure.subplots()
    heights = {name: 100 * row.test_accuracy for name, row in rows.items()}
    best, spread, lowest = (
        max(heights.values()),
        accuracy_scale.unit(heights.values()),
        accuracy_scale.lowest(heights.values()),
    )
    points = {name: (1e3 * row.latency_median_s, max(heights[name], lowest)) for name, row in rows.items()}
    _networks(axes, rows, points, {name for name in rows if heights[name] < lowest})
    axes.set_ylim(lowest - 0.25 * spread, best + 0.35 * spread)
    axes.margins(x=0.12)
    figure.draw_without_rendering()  # fixes the positions of points on the page
    places = axes.transData.transform(list(points.values())) * 72 / figure.dpi
    texts = [key(name) + (f" ({heights[name]:.1f} %)" if heights[name] < lowest else "") for name in points]
    for name, text, own, place in zip(points, texts, places, _names(places, texts, axes.bbox.y0 * 72 / figure.dpi)):
        line = {"arrowstyle": "-", "linewidth": 0.4, "color": style.GREY, "shrinkB": 0, "relpos": (0, 0.5)}
        look: dict[str, Any] = {"textcoords": "offset points", "fontsize": 7, "va": "center", "arrowprops": line}
        axes.annotate(text, points[name], tuple(place - own), **look)
    axes.set_xlabel("measured latency (ms)")
    axes.set_ylabel("test accuracy (%)")
    used = dict.fromkeys(row.precision for row in rows.values())
    looks = {name: style.PRECISIONS.get(name, style.PRECISIONS["int8"]) for name in used}
    marks = [
        Line2D([], [], linestyle="", marker=marker, color=colour, label=PRECISION_NAMES.get(precision, precision))
        for precision, (colour, marker) in looks.items()
    ]
    figure.legend(handles=marks, loc="outside upper center", ncols=2)
    return figure


def _networks(
    axes: Axes, rows: Mapping[str, Variant], points: Mapping[str, tuple[float, float]], cut: set[str]
) -> None:
    biggest = max(row.file_bytes for row in rows.values())
    for name, row in rows.items():
        colour, marker = style.PRECISIONS.get(row.precision, style.PRECISIONS["int8"])
        look: dict[str, Any] = {"color": colour, "alpha": 0.55, "edgecolor": "black", "linewidth": 0.5}
        axes.scatter(*points[name], s=LARGEST * row.file_bytes / biggest, marker="v" if name in cut else marker, **look)
    for start, end in pairwise(PATH):
        arrow = {"arrowstyle": "->", "linewidth": 0.7, "shrinkA": 4, "shrinkB": 3, "color": "0.75"}
        axes.annotate("", points[end], points[start], arrowprops=arrow, zorder=0)


def _names(places: np.ndarray, texts: Sequence[str], floor: float) -> np.ndarray:
    """The position of each name [n, 2]: to the right of its point [n, 2], moved up or down to where it is free.

    In typographic points. No name covers another one, the middle of a point, or what is below `floor`.
    """
    taken = [(x - MARK, y - MARK, x + MARK, y + MARK) for x, y in places] + [(-inf, -inf, inf, floor)]
    found = places + np.array([ASIDE, 0])
    for index in np.lexsort((places[:, 1], places[:, 0])):
        x, y = found[index]
        moves = (sign * step * APART / 2 for step in count() for sign in (1, -1))
        boxes = ((x, y + move - APART / 2, x + LETTER * len(texts[index]), y + move + APART / 2) for move in moves)
        box = next(box for box in boxes if not any(_cover(box, other) for other in taken))
        found[index, 1] = (box[1] + box[3]) / 2
        taken.append(box)
    return found


def _cover(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


if __name__ == "__main__":
    style.main(draw)
