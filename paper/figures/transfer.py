"""The transfer matrix: what each target loses by deploying a network that was chosen for something else."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from paper import transfer_losses, transfer_targets
from paper.figures import style
from paper.rows import read
from paper.setup_file import RUNTIMES
from paper.transfer_rows import Transferred

LEAST = 0.1  # of the colour scale's end
SMALL, SMALLEST = 7, 5  # points: of the labels and the numbers in the cells, and of the numbers in narrow ones
LINE, LETTER, MARGIN = 0.12, 0.058, 0.35  # inches: a line and a letter of the labels, and what the axes' names take
NARROW = 0.22  # inches: a cell with smaller numbers
OWN = "own"  # in place of a loss, where the network is the target's own
SHORT = {RUNTIMES["onnxruntime"]: "ORT"}  # as the caption says


def draw(results: Path) -> Figure:
    """From transfer.csv."""
    return plot(read(results, Transferred))


@rc_context(style.RC)
def plot(rows: Sequence[Transferred]) -> Figure:
    """A line for each network, a column for each target; in brackets what the interval does not tell from nothing."""
    own = transfer_losses.own(rows)
    targets, networks = list(own), list(dict.fromkeys(row.arch for row in rows))
    chosen = [list(dict.fromkeys(row.chosen_for for row in rows if row.arch == arch)) for arch in networks]
    beside, below, upright = labels(chosen, targets)
    tall = LETTER * longest(below) if upright else LINE * (1 + below[0].count("\n"))
    loss = np.full((len(networks), len(targets)), np.nan)
    lines = max(1 + text.count("\n") for text in beside)
    figure = style.figure(0.4 + tall + (0.08 + LINE * lines) * len(networks))
    narrow = (style.COLUMN - MARGIN - LETTER * longest(beside)) / len(targets) < NARROW
    axes = figure.subplots()
    for row in rows:
        line, column = networks.index(row.arch), targets.index(row.target)
        if not np.isnan(loss[line, column]):
            continue
        loss[line, column] = row.loss
        number = str(round(100 * row.loss))
        shown = f"({number})" if transfer_losses.unsure(row) else number
        shown = OWN if row.arch == own[row.target] else shown
        axes.text(column, line, shown, ha="center", va="center", fontsize=SMALLEST if narrow else SMALL)
    axes.imshow(loss, cmap="Reds", vmin=0, vmax=2 * max(LEAST, np.nanmax(loss)), aspect="auto")  # text stays readable
    axes.set_xticks(range(len(targets)), below, rotation=90 if upright else 0, fontsize=SMALL)
    axes.set_yticks(range(len(networks)), beside, fontsize=SMALL)
    axes.set_xlabel("deployed on")
    axes.set_ylabel("chosen for")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure


def labels(chosen: Sequence[Sequence[str]], targets: Sequence[str]) -> tuple[list[str], list[str], bool]:
    """The labels of lines and of columns, and whether the latter stand upright, as they are too wide side by side.

    `chosen`: what each network was chosen for.
    """
    words = {name: [SHORT.get(word, word) for word in found] for name, found in transfer_targets.words(targets).items()}
    rows = ["\n".join(_wrapped(words.get(name, [name])) for name in names) for names in chosen]
    columns = ["\n".join(one) for one in words.values()]
    if LETTER * (longest(columns) + 1) * len(columns) <= style.COLUMN - MARGIN - LETTER * longest(rows):
        return rows, columns, False
    return rows, [" ".join(one) for one in words.values()], True


def _wrapped(words: Sequence[str]) -> str:
    """The words on a line, or on two if they are more than two."""
    return " ".join(words) if len(words) < 3 else f"{' '.join(words[:-2])}\n{' '.join(words[-2:])}"


def longest(texts: Sequence[str]) -> int:
    """The letters of the longest line."""
    return max(len(line) for text in texts for line in text.split("\n"))


if __name__ == "__main__":
    style.main(draw)
