"""The winner drawn to scale: the height of a layer is its number of channels; below, its time by the table."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from experiments.display.page.elements import drawing, element, figure, tooltip, wide
from paper.figures.architecture import BLOCK, SLOPE
from paper.rows import Layer

STEP, TALL, TIMES, LABELS = 44.0, 150.0, 70.0, 74.0
LOOKS = {1: "grey", 3: "blue", 5: "red", 7: "green"}  # kernel -> colour


def winner(layers: Sequence[Layer]) -> Element:
    """From left to right; a layer widens from its input to its hidden channels."""
    most = max(layer.hidden_channels for layer in layers)
    slowest = max(layer.seconds for layer in layers) or 1.0
    middle, floor = 18 + TALL / 2, 24 + TALL + TIMES
    made: list[Element] = []
    for place, layer in enumerate(layers):
        left = STEP * (place + (1 - BLOCK) / 2)
        width, look = STEP * BLOCK, LOOKS.get(layer.kernel, "grey")
        made.append(
            tooltip(_block(layer, left, width, middle, TALL / 2 / most, look), _described(layer), focusable=True)
        )
        high = TIMES * layer.seconds / slowest
        if layer.kernel:
            top = middle - TALL / 2 * layer.hidden_channels / most - 4
            centre = left + width / 2
            made.append(element("text", str(layer.hidden_channels), x=centre, y=top, text_anchor="middle",
                                aria_hidden="true"))  # fmt: skip
            bar = element("rect", x=left, y=floor - high, width=width, height=high, class_=look, aria_hidden="true")
            made.append(tooltip(bar, _described(layer)))
        x, y = left + width / 2 + 4, floor + 8
        made.append(element("text", layer.name, x=x, y=y, text_anchor="end", transform=f"rotate(-60 {x:.1f} {y:.1f})",
                            aria_hidden="true"))  # fmt: skip
    used = [f"{look} {kernel}x{kernel}" for kernel, look in LOOKS.items() if kernel in {one.kernel for one in layers}]
    caption = (
        f"Above: the channels of each layer, to scale; the number is the layer's largest. Below: microseconds in "
        f"{layers[0].precision}, {1e6 * slowest:.1f} for the slowest. Kernels: {', '.join(used)}."
    )
    width = STEP * len(layers) + 30
    scaled = drawing(width, floor + LABELS, "The winner's layers", element("g", *made, transform="translate(30 0)"))
    scaled.set("class", "scaled")
    scaled.set("style", f"min-width:{width:g}px;max-width:{1.4 * width:g}px")
    return figure(caption, wide("The winner to scale", scaled))


def _block(layer: Layer, left: float, width: float, middle: float, scale: float, look: str) -> Element:
    if not layer.kernel:
        return element("rect", x=left, y=middle - 1.5, width=width, height=3.0, class_="grey faint")
    across = [left, left + SLOPE * width, left + (1 - SLOPE) * width, left + width]
    heights = [scale * n for n in (layer.in_channels, layer.hidden_channels, layer.hidden_channels, layer.out_channels)]
    above = [f"{x:.1f},{middle - height:.1f}" for x, height in zip(across, heights)]
    below = [f"{x:.1f},{middle + height:.1f}" for x, height in zip(across, heights)]
    return element("polygon", points=" ".join([*above, *reversed(below)]), class_=look)


def _described(layer: Layer) -> str:
    channels = f"{layer.in_channels} to {layer.hidden_channels} to {layer.out_channels} channels"
    time = f"{1e6 * layer.seconds:.1f} microseconds"
    return f"layer {layer.layer}, {layer.name}, {channels}, {layer.resolution} px, stride {layer.stride}, {time}"
