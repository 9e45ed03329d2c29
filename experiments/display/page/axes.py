"""The axes of a drawing: ticks at round numbers, and the place of a point."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from xml.etree.ElementTree import Element

from experiments.display.page.elements import element

WIDTH, HEIGHT = 420.0, 300.0
LEFT, RIGHT, TOP, BOTTOM = 52.0, 12.0, 12.0, 44.0  # margins


def ends(values: Sequence[float], margin: float = 0.05) -> tuple[float, float]:
    """The ends of a scale that holds all values."""
    low, high = min(values), max(values)
    more = margin * (high - low) or 0.05 * abs(high) or 1.0
    return low - more, high + more


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """At most `most` + 1 round numbers from `low` to `high`."""
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


def labelled(values: Sequence[float]) -> list[str]:
    """Ticks with as many decimals as their distance needs."""
    step = min((b - a for a, b in pairwise(values)), default=1.0)
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return [f"{value:.{decimals}f}" for value in values]


@dataclass(frozen=True)
class Axes:
    """Two linear scales."""

    x_ends: tuple[float, float]
    y_ends: tuple[float, float]

    def x(self, value: float) -> float:
        low, high = self.x_ends
        return LEFT + (value - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        low, high = self.y_ends
        return HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - TOP - BOTTOM)

    def frame(self, x_label: str, y_label: str) -> list[Element]:
        """Grid lines with their values, and the labels."""
        bottom, made = HEIGHT - BOTTOM, []
        across, up = ticks(*self.x_ends), ticks(*self.y_ends)
        for value, text in zip(across, labelled(across)):
            made.append(element("path", d=f"M{self.x(value):.1f} {TOP:g}V{bottom:g}", class_="axis"))
            made.append(element("text", text, x=self.x(value), y=bottom + 16, text_anchor="middle"))
        for value, text in zip(up, labelled(up)):
            made.append(element("path", d=f"M{LEFT:g} {self.y(value):.1f}H{WIDTH - RIGHT:g}", class_="axis"))
            made.append(element("text", text, x=LEFT - 6, y=self.y(value) + 4, text_anchor="end"))
        middle = (TOP + bottom) / 2
        turned = f"rotate(-90 12 {middle:g})"
        made.append(element("text", x_label, x=(LEFT + WIDTH - RIGHT) / 2, y=HEIGHT - 8, text_anchor="middle"))
        made.append(element("text", y_label, x=12.0, y=middle, text_anchor="middle", transform=turned))
        return [element("g", *made, aria_hidden="true")]

    def point(self, x: float, y: float, radius: float, look: str) -> Element:
        return element("circle", cx=self.x(x), cy=self.y(y), r=radius, class_=look)

    def line(self, points: Sequence[tuple[float, float]], look: str) -> Element:
        places = "L".join(f"{self.x(x):.1f} {self.y(y):.1f}" for x, y in points)
        return element("path", d=f"M{places}", class_=look, aria_hidden="true")
