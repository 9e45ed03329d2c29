"""Draws the share of each layer in the sum of all operators as a bar, in fp32 and in the deployed file."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from matplotlib import rc_context
from matplotlib.figure import Figure

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from paper.compression_rows import PRECISION_NAMES
from paper.figures import style
from paper.profile_rows import Operator
from paper.rows import read

HATCHES = ("", "//")  # readable without colour


def draw(results: Path) -> Figure:
    """From profile.csv."""
    return plot(read(results, Operator))


@rc_context(style.RC)
def plot(rows: Sequence[Operator]) -> Figure:
    figure = style.figure(2.2)
    axes = figure.subplots()
    precisions = list(dict.fromkeys(row.precision for row in rows))
    layers = sorted({row.layer for row in rows})
    width = 0.8 / len(precisions)
    for place, precision in enumerate(precisions):
        micros = [
            1e6 * sum(row.seconds for row in rows if (row.precision, row.layer) == (precision, layer))
            for layer in layers
        ]
        shares = [100 * one / sum(micros) for one in micros]
        colour = style.PRECISIONS.get(precision, (style.GREY, ""))[0]
        positions = [index + (place - (len(precisions) - 1) / 2) * width for index in range(len(layers))]
        label = f"{PRECISION_NAMES.get(precision, precision)}: {sum(micros):.0f} µs"
        hatch = HATCHES[place % len(HATCHES)]
        axes.bar(positions, shares, width, color=colour, label=label, hatch=hatch, edgecolor="white", linewidth=0)
    axes.set_xticks(range(len(layers)), [str(layer) for layer in layers])
    axes.set_xlabel("layer")
    axes.set_ylabel("share of the sum (%)")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return figure


if __name__ == "__main__":
    style.main(draw)
