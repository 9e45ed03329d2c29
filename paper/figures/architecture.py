"""The winner drawn to scale: the height of a layer is its number of channels; below, its seconds from the table."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from paper.figures import style
from paper.rows import Layer, read

KERNELS = {1: style.GREY, 2: style.SKY, 3: style.BLUE, 5: style.ORANGE, 7: style.GREEN}
HATCHES = {1: "", 2: "...", 3: "", 5: "////", 7: "xxxx"}  # readable without colour
SLOPE = 0.25  # fraction of a block's width over which its channels grow and shrink
NUMBERED = 14  # the largest number of layers for which numbers have room side by side
BLOCK = 0.86  # fraction of a layer's width that its block takes


def draw(results: Path) -> Figure:
    """From architecture.csv."""
    return plot(read(results, Layer))


@rc_context(style.RC)
def plot(layers: Sequence[Layer]) -> Figure:
    """From left to right; a block widens from its input to its hidden channels. Colours: kernels; lines: Skips."""
    figure = style.figure(3.0)
    above, below = figure.subplots(2, sharex=True, height_ratios=(2.6, 1))
    for layer in layers:
        _block(above, layer, upright=len(layers) > NUMBERED)
        if layer.kernel:
            below.bar(layer.layer, 1e6 * layer.seconds, width=BLOCK, **_look(layer.kernel))
    most = max(layer.hidden_channels for layer in layers)
    _resolutions(above, layers, (0.65 if len(layers) <= NUMBERED else 0.82) * most)
    above.set_ylim(-0.52 * most, (0.78 if len(layers) <= NUMBERED else 0.95) * most)
    above.set_ylabel("channels")
    above.set_yticks([])
    above.tick_params(bottom=False)
    above.spines[:].set_visible(False)
    used = sorted({layer.kernel for layer in layers} & set(KERNELS))
    marks = [above.fill([], [], **_look(kernel))[0] for kernel in used]
    figure.legend(marks, [f"{kernel}x{kernel}" for kernel in used], loc="outside upper center", ncols=4)
    below.set_ylabel(f"µs ({layers[0].precision.upper().replace('FP', 'fp')})")
    below.set_xticks([layer.layer for layer in layers], [layer.name for layer in layers], rotation=90)
    return figure


def _look(kernel: int) -> dict[str, Any]:
    return {
        "facecolor": KERNELS.get(kernel, style.GREY),
        "hatch": HATCHES.get(kernel, ""),
        "edgecolor": "white",
        "linewidth": 0,
    }


def _block(axes: Axes, layer: Layer, upright: bool) -> None:
    """Draws half of the channels above the middle and half below, with the largest number above."""
    left, right = layer.layer - BLOCK / 2, layer.layer + BLOCK / 2
    if not layer.kernel:
        axes.plot([left, right], [0, 0], color=style.GREY, linewidth=1, linestyle=":")
        return
    x = [left, left + SLOPE * BLOCK, right - SLOPE * BLOCK, right]
    channels = (layer.in_channels, layer.hidden_channels, layer.hidden_channels, layer.out_channels)
    heights = [count / 2 for count in channels]
    axes.fill_between(x, heights, [-height for height in heights], **_look(layer.kernel))
    look: dict[str, Any] = {"rotation": 90, "fontsize": 6} if upright else {"fontsize": 6.5}
    axes.text(layer.layer, max(heights), f"{layer.hidden_channels}", ha="center", va="bottom", **look)


def _resolutions(axes: Axes, layers: Sequence[Layer], height: float) -> None:
    """Draws lines above layers with the same input resolution."""
    for pixels, group in groupby(layers, key=lambda layer: layer.resolution):
        own = [layer.layer for layer in group]
        axes.plot([own[0] - 0.4, own[-1] + 0.4], [height, height], color="black", linewidth=0.5)
        axes.text(
            (own[0] + own[-1]) / 2,
            1.03 * height,
            f"{pixels} px" if len(own) > 1 else str(pixels),
            ha="center",
            va="bottom",
            fontsize=7 if len(layers) <= NUMBERED else 5,
        )


if __name__ == "__main__":
    style.main(draw)
