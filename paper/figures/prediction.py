"""Latency predicted from the table against measured latency, for whole networks that the correction has not seen."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from matplotlib import rc_context
from matplotlib.figure import Figure

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from paper.compression_rows import PRECISION_NAMES
from paper.figures import style
from paper.rows import Whole, read

BAND = 0.05  # fraction


def draw(results: Path) -> Figure:
    """From networks.csv."""
    return plot(read(results, Whole))


@rc_context(style.RC)
def plot(networks: Sequence[Whole]) -> Figure:
    """Above: predicted against measured. Below: the relative error. Hollow: sum of blocks; filled: corrected."""
    figure = style.figure(3.5)
    above, below = figure.subplots(2, sharex=True, height_ratios=(3, 2))
    everything = [1e3 * s for n in networks for s in (n.measured_s, n.predicted_s, n.naive_s)]
    ends = [0.95 * min(everything), 1.05 * max(everything)]
    measured_ends = [0.95e3 * min(n.measured_s for n in networks), 1.05e3 * max(n.measured_s for n in networks)]
    above.plot(ends, ends, color="black", linewidth=0.6)
    above.fill_between(ends, [(1 - BAND) * e for e in ends], [(1 + BAND) * e for e in ends], color="0.88", linewidth=0)
    below.axhline(0, color="black", linewidth=0.6)
    below.axhspan(-100 * BAND, 100 * BAND, color="0.88", linewidth=0, label=f"±{100 * BAND:.0f} %")
    for precision, (colour, marker) in style.PRECISIONS.items():
        own = [n for n in networks if n.precision == precision]
        measured = [1e3 * n.measured_s for n in own]
        for label, predicted, face in (
            ("sum of blocks", [1e3 * n.naive_s for n in own], "none"),
            ("corrected", [1e3 * n.predicted_s for n in own], colour),
        ):
            look = {"s": 12, "marker": marker, "facecolor": face, "edgecolor": colour, "linewidth": 0.7}
            above.scatter(measured, predicted, **look)
            errors = [100 * (p / m - 1) for p, m in zip(predicted, measured)]
            below.scatter(measured, errors, label=f"{PRECISION_NAMES.get(precision, precision)}, {label}", **look)
    above.set_ylabel("predicted (ms)")
    above.set_xlim(*measured_ends)
    above.set_ylim(*ends)
    below.set_xlabel("measured latency (ms)")
    below.set_ylabel("error (%)")
    figure.legend(*below.get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return figure


if __name__ == "__main__":
    style.main(draw)
