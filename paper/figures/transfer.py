"""The transfer matrix: what each target loses by deploying a network that was chosen for something else."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from paper.figures import style
from paper.rows import read
from paper.transfer_rows import Transferred

LEAST = 0.1  # of the colour scale's end
SMALL = 5.5  # points, of the labels and the numbers in the cells


def draw(results: Path) -> Figure:
    """From transfer.csv."""
    return plot(read(results, Transferred))


@rc_context(style.RC)
def plot(rows: Sequence[Transferred]) -> Figure:
    """A line for each network, a column for each target; in brackets what the interval does not tell from nothing."""
    targets = list(dict.fromkeys(row.target for row in rows))
    networks = list(dict.fromkeys(row.chosen_for for row in rows))
    loss = np.full((len(networks), len(targets)), np.nan)
    figure = style.figure(1.3 + 0.2 * len(networks))
    axes = figure.subplots()
    for row in rows:
        line, column = networks.index(row.chosen_for), targets.index(row.target)
        loss[line, column] = row.loss
        unsure = row.loss != 0 and row.loss_low <= 0 <= row.loss_high
        number = str(round(100 * row.loss))
        axes.text(column, line, f"({number})" if unsure else number, ha="center", va="center", fontsize=SMALL)
    axes.imshow(loss, cmap="Reds", vmin=0, vmax=2 * max(LEAST, np.nanmax(loss)), aspect="auto")  # text stays readable
    axes.set_xticks(range(len(targets)), targets, rotation=90, fontsize=SMALL)
    axes.set_yticks(range(len(networks)), networks, fontsize=SMALL)
    axes.set_xlabel("deployed on")
    axes.set_ylabel("chosen for")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure


if __name__ == "__main__":
    style.main(draw)
