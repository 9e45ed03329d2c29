"""Every candidate of the search: validation accuracy against each predicted cost, with the Pareto front."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from paper.candidate_rows import winner_of
from paper.figures import style
from paper.rows import Candidate, read
from paper.setup_file import setup

COLOURS = (style.BLUE, style.ORANGE, style.GREEN, style.PURPLE)
MARKERS = ("o", "s", "^", "D")
LATENCY = "latency_s"


def front(candidates: Sequence[Candidate], cost: str = LATENCY) -> list[Candidate]:
    """The candidates on the Pareto front of accuracy and one cost, by ascending cost."""
    best: list[Candidate] = []
    for candidate in sorted(candidates, key=lambda c: (c.costs[cost], -c.accuracy)):
        if not best or candidate.accuracy > best[-1].accuracy:
            best.append(candidate)
    return best


def draw(results: Path) -> Figure:
    """From candidates.csv and the target in setup.csv."""
    return plot(read(results, Candidate), setup(results).optional("target_ms"))


@rc_context(style.RC)
def plot(candidates: Sequence[Candidate], target_ms: float | None) -> Figure:
    """One panel per cost; one colour per strategy, a star for the winner."""
    figure = style.figure(2.35)
    costs = candidates[0].costs
    panels = figure.subplots(1, len(costs), sharey=True, squeeze=False)[0]
    for axes, cost in zip(panels, costs):
        _panel(axes, candidates, cost)
    if target_ms is not None:
        panels[0].axvline(target_ms, color=style.GREY, linestyle="--", linewidth=0.8, zorder=0, label="target")
    panels[0].set_ylabel("validation accuracy (%),\ninherited weights")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return figure


def _panel(axes: Axes, candidates: Sequence[Candidate], cost: str) -> None:
    """Draws one panel, whose range of accuracies starts below the front."""
    edge, scale = front(candidates, cost), 1e3 if cost == LATENCY else 1e-3
    lowest, highest = 100 * edge[0].accuracy, 100 * edge[-1].accuracy
    margin = max(0.15 * (highest - lowest), 0.5)
    for strategy, (colour, marker) in zip(sorted({c.strategy for c in candidates}), cycle(zip(COLOURS, MARKERS))):
        for feasible, face, label in ((True, colour, strategy), (False, "none", f"{strategy}, infeasible")):
            own = [c for c in candidates if c.strategy == strategy and c.feasible == feasible]
            if own:
                x, y = zip(*((scale * c.costs[cost], 100 * c.accuracy) for c in own))
                axes.scatter(x, y, s=9, marker=marker, facecolor=face, edgecolor=colour, linewidth=0.5, label=label)
    axes.step(
        [scale * c.costs[cost] for c in edge],
        [100 * c.accuracy for c in edge],
        where="post",
        color="black",
        linewidth=0.8,
        label="front",
    )
    winner = winner_of(candidates)
    if winner.feasible:
        point = scale * winner.costs[cost], 100 * winner.accuracy
        axes.scatter(
            *point, s=90, marker="*", color="white", edgecolor="black", linewidth=0.8, zorder=3, label="winner"
        )
    axes.set_ylim(lowest - margin, highest + margin)
    below = sum(100 * c.accuracy < lowest - margin for c in candidates)
    if below:
        note = f"{below} of {len(candidates)} lie below"
        axes.set_title(note, loc="right", fontsize=6, color=style.GREY)
    how = "" if cost == LATENCY and any(c.timed for c in candidates) else "predicted "
    axes.set_xlabel(f"{how}{cost.rpartition('_')[0]} ({'ms' if cost == LATENCY else 'kB'})")


if __name__ == "__main__":
    style.main(draw)
