"""Predicted against measured latency, for new random networks that no predictor has seen."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from matplotlib import rc_context
from matplotlib.figure import Figure

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from paper.compression_rows import PRECISION_NAMES
from paper.figures import style
from paper.rows import Fresh, read

BAND = 0.05  # fraction
LOOKS = {  # colour, marker, face
    "MACs": (style.GREY, "^", "none"),
    "sum of blocks alone": (style.ORANGE, "s", "none"),
    "corrected table": (style.BLUE, "o", style.BLUE),
}


def draw(results: Path) -> Figure:
    """From fresh.csv."""
    return plot(read(results, Fresh))


@rc_context(style.RC)
def plot(networks: Sequence[Fresh]) -> Figure:
    """One panel per precision; the band is 5 % on either side of the diagonal."""
    precisions = sorted({network.precision for network in networks})
    figure = style.figure(1.35 * len(precisions) + 0.5)
    panels = figure.subplots(len(precisions), squeeze=False)[:, 0]
    for axes, precision in zip(panels, precisions):
        own = [n for n in networks if n.precision == precision]
        for predictor, (colour, marker, face) in LOOKS.items():
            chosen = [n for n in own if n.predictor == predictor]
            look = {"s": 10, "marker": marker, "facecolor": face, "edgecolor": colour, "linewidth": 0.7}
            measured, predicted = ([1e3 * getattr(n, key) for n in chosen] for key in ("measured_s", "predicted_s"))
            axes.scatter(measured, predicted, label=predictor, **look)
        ends = [0.95e3 * min(n.measured_s for n in own), 1.05e3 * max(n.measured_s for n in own)]
        axes.plot(ends, ends, color="black", linewidth=0.6, zorder=0)
        axes.fill_between(ends, [(1 - BAND) * e for e in ends], [(1 + BAND) * e for e in ends], color="0.88", zorder=-1)
        axes.set_xlim(*ends)
        axes.set_ylabel(f"predicted, {PRECISION_NAMES.get(precision, precision)} (ms)")
    panels[-1].set_xlabel("measured (ms)")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return figure


if __name__ == "__main__":
    style.main(draw)
