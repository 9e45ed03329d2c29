"""The effect of each stage on accuracy, latency and file size, as bars from the reference to the deployed file."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from xml.etree.ElementTree import Element

from experiments.display.page.elements import drawing, element, figure, tooltip
from paper.figures.waterfall import chain as stages_of
from paper.figures.waterfall import done, ended
from paper.rows import Stage

WIDTH, ROW, NAMES, NUMBERS = 420.0, 26.0, 92.0, 62.0


def waterfall(rows: Sequence[Stage], deployed: str) -> Element:
    """Three panels: the first and last bars show values, those between show changes. `deployed`: a precision."""
    stages = stages_of(rows)
    first, *rest = stages
    names = [first.stage, *(done(one.stage) for one in rest), ended(stages, deployed)]
    accuracies = [100 * one.test_accuracy for one in stages]
    floor = max(0.0, min(accuracies) - max(1.0, max(accuracies) - min(accuracies)))
    panels = (
        panel("Test accuracy", "%", names, accuracies, 2, floor, higher=True),
        panel("Measured latency", "ms", names, [1e3 * one.latency_median_s for one in stages], 4),
        panel("File", "kB", names, [one.file_bytes / 1e3 for one in stages], 1),
    )
    return element("div", *panels, class_="grid")


def panel(
    title: str,
    unit: str,
    names: Sequence[str],
    values: Sequence[float],
    decimals: int,
    floor: float = 0.0,
    higher: bool = False,
) -> Element:
    """Blue is better and red is worse: `higher` values for accuracy, lower ones for costs."""
    span = (max(values) - floor) or 1.0

    def place(value: float) -> float:
        return NAMES + (value - floor) / span * (WIDTH - NAMES - NUMBERS)

    bars = [(floor, values[0]), *pairwise(values), (floor, values[-1])]
    made: list[Element] = []
    for row, (name, (before, after)) in enumerate(zip(names, bars)):
        whole = row in (0, len(bars) - 1)
        look = "grey" if whole else "blue" if (after > before) == higher or after == before else "red"
        number = f"{after:.{decimals}f}" if whole else f"{after - before:+.{decimals}f}"
        low, high, top = min(before, after), max(before, after), ROW * row + 4
        bar = element(
            "rect", x=place(low), y=top, width=max(1.0, place(high) - place(low)), height=ROW - 8, class_=look
        )
        text = f"{name}: {number} {unit}" + ("" if whole else f", now {after:.{decimals}f} {unit}")
        made.append(element("text", name, x=NAMES - 6, y=top + 13, text_anchor="end", aria_hidden="true"))
        made.append(tooltip(bar, text, focusable=True))
        made.append(element("text", number, x=place(high) + 5, y=top + 13, aria_hidden="true"))
    cut = f", from {floor:.4g} %" if floor else ""
    return figure(f"{title} ({unit}{cut})", drawing(WIDTH, ROW * len(bars), f"{title} by stage", *made))
