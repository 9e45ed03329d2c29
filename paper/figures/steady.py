"""Draws latency, clock and temperature of a device under steady load."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from matplotlib import rc_context
from matplotlib.figure import Figure

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from paper.figures import style
from paper.profile_rows import Moment
from paper.rows import read

PANELS = {  # column -> factor, label
    "latency_s": (1e3, "latency (ms)"),
    "clock_hz": (1e-9, "clock (GHz)"),
    "temperature_c": (1.0, "temperature (°C)"),
}


def draw(results: Path) -> Figure:
    """From steady.csv."""
    return plot(read(results, Moment))


@rc_context(style.RC)
def plot(moments: Sequence[Moment]) -> Figure:
    """Draws a panel for each quantity that the board reports, and marks when it throttled."""
    reported = {name: panel for name, panel in PANELS.items() if any(getattr(one, name) is not None for one in moments)}
    figure = style.figure(0.6 + 1.1 * len(reported))
    panels = figure.subplots(len(reported), 1, sharex=True, squeeze=False)[:, 0]
    for axes, (name, (factor, label)) in zip(panels, reported.items()):
        points = [(one.time_s / 60, factor * value) for one in moments if (value := getattr(one, name)) is not None]
        axes.plot(*zip(*points), color=style.BLUE, linewidth=0.8)
        limited = [one.time_s / 60 for one in moments if int(one.throttled or "0", 16) & 0xF]
        for moment in limited:
            axes.axvline(moment, color=style.ORANGE, linewidth=0.4, alpha=0.5, zorder=0)
        axes.set_ylabel(label)
    panels[-1].set_xlabel("minutes under load")
    return figure


if __name__ == "__main__":
    style.main(draw)
