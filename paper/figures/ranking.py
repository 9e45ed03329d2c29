"""Accuracy of networks trained alone against four predictors: the supernet, and three without training."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from matplotlib import rc_context
from matplotlib.figure import Figure

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from paper.figures import style
from paper.ranking_rows import Ranked, RankTau
from paper.rows import read

AXES = {  # predictor -> column, factor, label, colour
    "supernet": ("inherited", 100, "supernet's accuracy (%)", style.BLUE),
    "NASWOT": ("naswot", 1, "NASWOT", style.ORANGE),
    "parameters": ("parameters", 1e-3, "parameters (thousands)", style.GREY),
    "MACs": ("macs", 1e-6, "MACs (millions)", style.GREY),
}


def draw(results: Path) -> Figure:
    """From ranking.csv and correlations.csv."""
    return plot(read(results, Ranked), read(results, RankTau))


@rc_context(style.RC)
def plot(networks: Sequence[Ranked], taus: Sequence[RankTau]) -> Figure:
    """One panel per predictor, with its tau among all networks and its 95 % interval."""
    figure = style.figure(2.8)
    panels = figure.subplots(2, 2, sharey=True)
    found = {one.predictor: one for one in taus if one.among == "all"}
    for axes, (predictor, (column, factor, label, colour)) in zip(panels.flat, AXES.items()):
        x = [factor * getattr(network, column) for network in networks]
        size = 9 if len(networks) < 200 else 1
        axes.scatter(x, [100 * network.alone for network in networks], s=size, color=colour, linewidth=0)
        tau = found[predictor]
        axes.set_title(f"τ {tau.tau:.2f} [{tau.tau_low:.2f}, {tau.tau_high:.2f}]", fontsize=7)
        axes.set_xlabel(label)
    for axes in panels[:, 0]:
        axes.set_ylabel("trained alone, test (%)")
    return figure


if __name__ == "__main__":
    style.main(draw)
