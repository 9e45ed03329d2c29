"""The style of all figures: column width, font size, colours that colour-blind readers can distinguish."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # so that a figure's script can be run by its path
from paper import checksums
from search_spaces.errors import LutraError

COLUMN, PAGE = 3.4, 7.0  # inches
BLUE, ORANGE, GREEN, PURPLE, SKY, RED = "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00"  # Okabe & Ito
GREY = "#8C8C8C"
PRECISIONS = {"fp32": (BLUE, "o"), "int8": (RED, "s")}  # colour, marker
RC: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.size": 8,
    "axes.labelsize": 8,
    "axes.titlesize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "legend.handletextpad": 0.4,
    "legend.columnspacing": 1.2,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "text.parse_math": False,  # shows "$" and "\\" in a cell literally
    "pdf.fonttype": 42,
    "pdf.compression": 9,
}


def figure(height: float, width: float = COLUMN) -> Figure:
    """An empty figure; sizes in inches."""
    return Figure(figsize=(width, height), dpi=200, layout="constrained")


def rendered(drawn: Figure, kind: str) -> bytes:
    """A figure as the bytes of a pdf (equal for equal figures), png or svg. The first kind fixes the layout of all."""
    file = io.BytesIO()  # on a full disk, matplotlib's writer would fail twice, the second time without a reason
    with rc_context(RC):
        drawn.savefig(file, format=kind, metadata={"CreationDate": None} if kind == "pdf" else None)
    drawn.set_layout_engine("none")  # computing the layout takes as long as drawing
    return file.getvalue()


def save(drawn: Figure, path: Path) -> None:
    """Writes .pdf, .png or .svg."""
    path.write_bytes(rendered(drawn, path.suffix.lstrip(".")))


def main(draw: Callable[[Path], Figure]) -> None:
    """The command line of every figure: RESULTS OUT."""
    parser = argparse.ArgumentParser()
    parser.add_argument("results", type=Path, help="folder of CSV files")
    parser.add_argument("out", type=Path, help="a .pdf or .png file")
    arguments = parser.parse_args()
    try:
        checksums.check(arguments.results)
        save(draw(arguments.results), arguments.out)
    except (LutraError, OSError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)
