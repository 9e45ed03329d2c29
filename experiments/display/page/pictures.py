"""Images inside the page, at the network's resolution."""

from __future__ import annotations

import base64
import io
from xml.etree.ElementTree import Element

import numpy as np
from PIL import Image

from experiments.data.dataset import Dataset, Split
from experiments.display.page.elements import element, section

LOSSLESS = 64  # pictures up to this size keep the network's exact values; larger ones would fill the page
CLASSES, EACH = 12, 2  # the largest number of classes with samples, and images of each


def picture(data: Dataset, split: Split, index: int, label: str) -> Element:
    """One image of a split."""
    pixels = split.at(np.array([index])).images[0].permute(1, 2, 0).numpy()
    image = Image.fromarray(pixels if pixels.shape[2] == 3 else pixels[..., 0])
    kind = "png" if data.shape.resolution <= LOSSLESS else "jpeg"
    file = io.BytesIO()
    image.save(file, kind, **({"quality": 85} if kind == "jpeg" else {}))
    source = f"data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode()}"
    return element("img", src=source, alt=label, width=image.width, height=image.height)


def samples(data: Dataset) -> Element:
    """Training images of the first classes."""
    size, labels = data.shape.resolution, data.train.labels.numpy()
    made = []
    for label, name in enumerate(data.classes[:CLASSES]):
        for at in np.flatnonzero(labels == label)[:EACH]:
            made.append(element("li", picture(data, data.train, int(at), name), name))
    mirrored = ", and half of them mirrored" if data.flip else ""
    text = (
        f"Training images as the network sees them: the central square, {size}x{size} pixels. While it trains, they "
        f"are also shifted by at most {size // 8} pixels{mirrored}."
    )
    return section("samples", "Sample images", element("p", text), element("ul", *made, class_="pictures"))
