"""Makes pages about a run from the committed results, and parses them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from html.parser import HTMLParser

import numpy as np

from experiments.config.registry import DATASETS
from experiments.display.page.document import Run
from paper.rows import Stage, read
from tests.commands import ROOT

RESULTS = ROOT / "paper" / "results"
VOID = {"meta", "link", "img", "br", "hr", "input"}
NASTY = (
    "<script>alert(1)</script>",
    "a&amp;b",
    'q"><img src=x onerror=alert(2)>',
    "it's",
    "https://example.org/",
    "Ảnh",
)


def run(classes: tuple[str, ...] = NASTY) -> Run:
    """The committed results, with digits named `classes` and predictions of which one in four is wrong."""
    data = DATASETS["digits"]("", 16, 0.2, 0)
    data = dataclasses.replace(data, classes=(*classes, *data.classes[len(classes) :]))
    labels, rng = data.test.labels.numpy(), np.random.default_rng(0)
    predicted = np.where(rng.random(len(labels)) < 0.25, rng.integers(0, 10, len(labels)), labels)
    rows = read(RESULTS, Stage)
    final = next(row for row in rows if row.stage == "int8")
    predictions = {row.sha256: predicted for row in rows}
    return Run(RESULTS, "int8.onnx", final.sha256, data, predictions, lambda arch: f"<{arch}>", ["echo '<&>'"])


@dataclass
class Parsed(HTMLParser):
    """A page's tables, attributes and texts. Refuses elements that are not closed in order."""

    open: list[str] = field(default_factory=list)
    attributes: list[tuple[str, str, str]] = field(default_factory=list)  # element, name, value
    texts: list[tuple[str, str]] = field(default_factory=list)  # element, text
    rows: list[list[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open:
            self.texts.append((self.open[-1], data))
        if {"td", "th"} & {*self.open}:
            self.rows[-1][-1] += data


def parsed(text: bytes) -> Parsed:
    found = Parsed()
    found.feed(text.decode())
    found.close()
    assert not found.open
    return found


def table(found: Parsed, first: str) -> list[dict[str, str]]:
    """The rows below the header that begins with `first`."""
    start = next(at for at, row in enumerate(found.rows) if row[:1] == [first])
    head, below = found.rows[start], found.rows[start + 1 :]
    end = next((at for at, row in enumerate(below) if len(row) != len(head)), len(below))
    return [dict(zip(head, row)) for row in below[:end]]
