"""Tests that figures can be read without colour: lines, bars and points that mean different things differ otherwise."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from paper.comparison import BASELINE
from paper.figures import architecture, compare, pareto, waterfall
from paper.figures.style import RED
from paper.rows import Candidate, Curve, Layer, read
from tests.paper.made_up_results import edit


def curve(strategy: str, against: str, at: float) -> Curve:
    return Curve("p", "union", strategy, against, 7, at, at, 0.5, 0.4, 0.6, 0.1, 0.05, 0.2)


def test_strategies_have_lines_of_their_own() -> None:
    names = (BASELINE, "evolution", "nsga2", "surrogate", "darts", "sixth")
    curves = [curve(name, against, at) for name in names for against in compare.COLUMNS for at in (1.0, 2.0, 20.0)]
    axes = compare.plot(curves).axes[0]
    looks = {
        (
            str(line.get_linestyle()),
            line.get_dash_pattern() if hasattr(line, "get_dash_pattern") else "",
            str(getattr(line, "_unscaled_dash_pattern", "")),
            line.get_linewidth(),
        )
        for line in axes.lines
    }
    assert len(looks) == len(names) == len(axes.lines)


def test_a_change_for_the_worse_is_hatched(results: Path) -> None:
    edit(results / "stages.csv", "pruned,fp32,0.941,0.9278", "pruned,fp32,0.1,0.1")
    bars = [bar for axes in waterfall.draw(results).axes for bar in axes.patches]
    red = [bar for bar in bars if bar.get_facecolor() == _rgba(RED)]
    assert red
    assert all(bool(bar.get_hatch()) == (bar in red) for bar in bars)


def _rgba(colour: str) -> tuple[float, ...]:
    from matplotlib.colors import to_rgba

    return to_rgba(colour)


def test_kernels_of_a_network_differ_by_hatch_or_by_brightness(results: Path) -> None:
    first, *_ = read(results, Layer)
    layers = [replace(first, layer=place, kernel=kernel) for place, kernel in enumerate((1, 3, 5, 7))]
    bars = architecture.plot(layers).axes[1].patches
    looks = [(bar.get_hatch(), round(4 * _grey(bar.get_facecolor()))) for bar in bars]
    assert len({*looks}) == 4


def _grey(colour: tuple[float, ...]) -> float:
    red, green, blue, _ = colour
    return 0.3 * red + 0.59 * green + 0.11 * blue


def test_strategies_of_one_search_have_markers_of_their_own(results: Path) -> None:
    candidates = read(results, Candidate)
    other: list[Candidate] = [replace(one, strategy="random") for one in candidates]
    axes = pareto.plot([*candidates, *other], None).axes[0]
    paths = {tuple(map(tuple, points.get_paths()[0].vertices)) for points in axes.collections}
    assert len(paths) >= 3  # two strategies and the winner's star
