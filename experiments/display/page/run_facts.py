"""How the run was made: images by class and split, the machine and versions, and the commands to repeat it."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element

import numpy as np

from experiments.data.dataset import Dataset
from experiments.display.page.elements import Child, element, section, table
from paper.setup_file import Setup

SHOWN = 30  # the largest number of classes shown without a click


def run_facts(setup: Setup, data: Dataset, commands: Sequence[str]) -> Element:
    rows = [[key, value] for key, value in setup.values.items() if value]
    return section(
        "setup",
        "Set-up",
        element("h3", "Commands that repeat this run"),
        element("pre", "\n".join(commands)),
        _images(data),
        element("details", element("summary", "All settings, machine and versions"),
                table("As in setup.csv", ["key", "value"], rows, texts=2), open=""),
    )  # fmt: skip


def _images(data: Dataset) -> Element:
    splits = {"training": data.train, "validation": data.validation, "test": data.test}
    counts = [np.bincount(split.labels.numpy(), minlength=len(data.classes)) for split in splits.values()]
    rows: list[list[Child]] = [[name, *(f"{count[at]:,}" for count in counts)] for at, name in enumerate(data.classes)]
    rows.append(["all classes", *(f"{count.sum():,}" for count in counts)])
    skipped = f"; skipped: {data.passed}" if data.passed else ""
    caption = f"Images of {len(data.classes)} classes by split, {data.shape.resolution} pixels{skipped}"
    listed = table(caption, ["class", *splits], rows)
    lines = [element("li", line) for line in data.summary]
    if len(rows) <= SHOWN:
        return element("div", listed, element("ul", *lines))
    title = element("summary", f"Images of {len(data.classes)} classes by split")
    return element("details", title, listed, element("ul", *lines))
