"""The latency table: seconds of every option of every layer in fp32 and INT8, and the speed-up of INT8.

Of a space with trunks, the options of the first one.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from paper.figures import style
from paper.rows import Block, read

NAMES = {"FusedMBConv": "fused", "SqueezeExciteMBConv": "SE"}  # kinds that are named with their expand ratio
NUMBERED = 14  # the largest number of layers for which each cell has room for its number


def draw(results: Path) -> Figure:
    """From table.csv."""
    return plot(read(results, Block))


@rc_context(style.RC)
def plot(blocks: Sequence[Block]) -> Figure:
    """Layers from left to right, options downwards; empty if a layer lacks the option or it computes nothing."""
    first = first_trunk(blocks)
    trunks = len(first) < len(blocks)
    blocks = [block for block in first if block.seconds > 0]
    fp32, int8 = _seconds(blocks, "fp32"), _seconds(blocks, "int8")
    ratio = fp32 / int8
    scale, unit = (1e6, "µs") if np.nanmax(fp32) < 1e-3 else (1e3, "ms")
    options = fp32.shape[1]
    figure = style.figure(0.7 + 3 * max(0.55, 0.17 * options))
    above, middle, below = figure.subplots(3, sharex=True)
    top = scale * max(np.nanmax(fp32), np.nanmax(int8))
    for axes, name, seconds in ((above, "fp32", fp32), (middle, "INT8", int8)):
        _cells(
            axes, scale * seconds, f"{name} ({unit}{', first trunk' if trunks else ''})", "viridis", Normalize(0, top)
        )
    most = max(np.nanmax(ratio), np.nanmax(1 / ratio), 1.1)
    _cells(below, ratio, "fp32 / INT8 (above 1: INT8 is faster)", "PuOr", LogNorm(1 / most, most), [1 / most, 1, most])
    for axes in (above, middle, below):
        axes.set_yticks(range(options), _option_names(blocks, options), fontsize=min(7, 40 / options + 2))
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
    below.set_xticks(range(len(fp32)), _layer_names(blocks), fontsize=7 if len(fp32) <= NUMBERED // 2 else 6)
    below.set_xlabel("layer")
    return figure


def first_trunk(blocks: Sequence[Block]) -> list[Block]:
    """Of each layer and kind of block the first in the table, where options are listed trunk by trunk."""
    found: dict[tuple[int, str, str], Block] = {}
    for block in sorted(blocks, key=lambda block: block.option):
        if block.layer > 0 or block.option == 0:
            found.setdefault((block.layer, block.precision, short(block.spec)), block)
    return list(found.values())


def _seconds(blocks: Sequence[Block], precision: str) -> np.ndarray:
    """[layers, options]; NaN for missing options."""
    seconds = np.full([1 + max(getattr(b, axis) for b in blocks) for axis in ("layer", "option")], np.nan)
    for block in blocks:
        if block.precision == precision:
            seconds[block.layer, block.option] = block.seconds
    return seconds


def _cells(
    axes: Axes, values: np.ndarray, title: str, cmap: str, norm: Normalize, ticks: list[float] | None = None
) -> None:
    """One panel of values [layers, options], with its scale."""
    image = axes.imshow(values.T, cmap=cmap, norm=norm, aspect="auto", interpolation="nearest")
    scale = axes.figure.colorbar(image, ax=axes, fraction=0.04, pad=0.02, ticks=ticks, format=_told)
    scale.minorticks_off()
    scale.outline.set_visible(False)
    axes.set_title(title, loc="left", pad=2)
    if len(values) > NUMBERED:
        return
    digits = 3 if len(values) <= NUMBERED // 2 else 2
    for (layer, option), value in np.ndenumerate(values):
        if np.isfinite(value):
            red, green, blue, _ = image.cmap(image.norm(value))
            dark = 0.3 * red + 0.6 * green + 0.1 * blue < 0.5
            text = f"{value:.{digits}g}" if value < 10**digits else f"{value:.0f}"
            axes.text(layer, option, text, ha="center", va="center", fontsize=5.5, color="white" if dark else "black")


def _told(value: float, _: int) -> str:
    return f"{value:.2g}" if value < 100 else f"{value:.0f}"


def _option_names(blocks: Sequence[Block], options: int) -> list[str]:
    """Kernel and expand ratio if all searched layers agree on them, else the option's number."""
    searched = {block.layer for block in blocks if block.option > 0}
    names = []
    for option in range(options):
        found = {short(b.spec) for b in blocks if b.option == option and b.layer in searched}
        names.append(found.pop() if len(found) == 1 else str(option))
    return names


def _layer_names(blocks: Sequence[Block]) -> list[str]:
    """The layer's number or, if there is room, the kind of its only option: stem, head."""
    names = []
    layers = 1 + max(block.layer for block in blocks)
    for layer in range(layers):
        specs = {block.spec for block in blocks if block.layer == layer}
        names.append(short(specs.pop()) if len(specs) == 1 and layers <= NUMBERED else str(layer))
    return names


def short(spec: str) -> str:
    """MBConv(24->40, hidden 144, k5, ...) -> "k5 e6"; a fused block -> "fused e2"; other specs by their kind."""
    block = re.match(r"MBConv\((\d+)->\d+, hidden (\d+), (k\d+)", spec)
    if block:
        return f"{block[3]} e{int(block[2]) / int(block[1]):.2g}"
    kind = spec.split("(")[0].removesuffix("Block")
    wide = re.search(r"in_channels=(\d+), hidden_channels=(\d+)", spec)
    return f"{NAMES[kind]} e{int(wide[2]) / int(wide[1]):.2g}" if wide and kind in NAMES else kind.lower()


if __name__ == "__main__":
    style.main(draw)
