"""Tests that the figures' labels do not cover each other, with results unlike those that the figures were drawn for."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from paper import build
from paper.figures.ablation import APART, LETTER, _names
from tests.paper.made_up_results import edit, write


def drawn_texts(figure: Figure) -> list[Text]:
    """All texts but those of ticks outside the axes, which are not drawn."""
    outside = {
        label
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks())
        for label in (tick.label1, tick.label2)
        if not min(axis.get_view_interval()) <= tick.get_loc() <= max(axis.get_view_interval())
    }
    found = (text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip())
    return [text for text in found if text not in outside]


def covered(figure: Figure) -> list[tuple[str, str]]:
    """The pairs of texts that cover each other by more than a pixel."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    boxes = [(text.get_text(), Text.get_window_extent(text, canvas.get_renderer())) for text in drawn_texts(figure)]
    return [
        (one, other)
        for (one, a), (other, b) in combinations(boxes, 2)
        if min(a.x1, b.x1) - max(a.x0, b.x0) > 1 and min(a.y1, b.y1) - max(a.y0, b.y0) > 1
    ]


@pytest.mark.parametrize("name", ["ablation", "waterfall", "architecture", "prediction"])
def test_no_label_covers_another(name: str, results: Path) -> None:
    if name == "ablation":  # two networks fall out of the scale, at nearly the same latency
        edit(
            results / "ablation.csv",
            '"prune, quantize",int8,0.6044,0.6044,6.9e-05',
            '"prune, quantize",int8,0.61,0.61,0.00013',
        )
    if name == "architecture":  # as many and as wide layers as those of mobile_imagenet
        header, first, *_ = (results / "architecture.csv").read_text().splitlines()
        cells = dict(zip(header.split(","), first.split(",")))
        layers = [
            cells | {"layer": f"{i}", "hidden_channels": f"{1000 + i}", "resolution": f"{224 >> i // 4}"}
            for i in range(22)
        ]
        write(results / "architecture.csv", header, [tuple(layer.values()) for layer in layers])
    if name == "waterfall":  # a step that changes nothing, and one that changes most
        edit(results / "stages.csv", "pruned,fp32,0.941,0.9278", "pruned,fp32,0.1,0.1")
    assert covered(build.FIGURES[name](results)) == []


@pytest.mark.parametrize("seed", range(5))
def test_names_of_crowded_points_are_free(seed: int) -> None:
    rng = np.random.default_rng(seed)
    places, texts = rng.uniform(40, 40 + 30 * (seed + 1), (12, 2)), [("PFTQ", "P (60.8 %)")[i % 2] for i in range(12)]
    found = _names(places, texts, 40)
    for (i, one), (j, other) in combinations(enumerate(found), 2):
        apart = abs(one[1] - other[1]) >= APART - 1e-9
        left, right = (i, j) if one[0] <= other[0] else (j, i)
        assert apart or found[left][0] + LETTER * len(texts[left]) <= found[right][0] + 1e-9
    assert (found[:, 1] >= 40 + APART / 2 - 1e-9).all()
