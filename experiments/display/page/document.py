"""The whole page, from the files of a report's folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np

from experiments.data.dataset import Dataset
from experiments.display.page.confusions import confusions
from experiments.display.page.elements import element, html, section
from experiments.display.page.look import SCRIPT, STYLE
from experiments.display.page.pictures import samples
from experiments.display.page.predictions import Predictions
from experiments.display.page.run_facts import run_facts
from experiments.display.page.scatters import pareto, prediction
from experiments.display.page.stage_table import stages, tiles, verdicts
from experiments.display.page.waterfall import waterfall
from experiments.display.page.winner import winner
from paper import rows as results
from paper.setup_file import setup

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


@dataclass(frozen=True)
class Run:
    """What the page shows besides the CSV files in `folder`."""

    folder: Path
    deployed: str  # the name of the file
    sha256: str  # of the measured part of that file
    data: Dataset
    predicted: Mapping[str, np.ndarray]  # classes of the test images, by the sha256 of the file that predicted them
    describe: Callable[[str], str]  # an architecture in words
    commands: Sequence[str]


def page(run: Run) -> bytes:
    """The page as UTF-8; the same bytes for the same run."""
    facts, rows = setup(run.folder), results.read(run.folder, results.Stage)
    final = next(row for row in rows if row.sha256 == run.sha256)
    labels = run.data.test.labels.numpy()
    predictions = {sha256: Predictions(run.data.classes, labels, classes) for sha256, classes in run.predicted.items()}
    images = facts.values.get("data_title") or facts.values.get("data_file") or facts.text("data")
    title = f"{images}: network found in {facts.text('space')} for {facts.machine}"
    parts = (
        element("h1", title),
        *verdicts(facts),
        tiles(run.deployed, final, rows, predictions[run.sha256]),
        stages(rows, final, predictions),
        section("effects", "What each stage did", waterfall(rows, final.precision)),
        _search(run.folder, rows, facts.optional("target_ms"), run.describe),
        section("winner", "The winner", winner(results.read(run.folder, results.Layer))),
        confusions(run.data, predictions[run.sha256]),
        samples(run.data),
        run_facts(facts, run.data, run.commands),
    )
    return html(_document(title, *parts))


def _search(
    folder: Path, rows: Sequence[results.Stage], target: float | None, describe: Callable[[str], str]
) -> Element:
    """The search, next to the prediction that it relied on."""
    found = pareto(results.read(folder, results.Candidate), target, describe)
    measured = prediction(results.read(folder, results.Whole), rows)
    return element(
        "div",
        section("search", "The search", *found),
        section("prediction", "Predicted and measured latency", *measured),
        class_="grid",
    )


def _document(title: str, *parts: Element) -> Element:
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("link", rel="icon", href="data:,"),
        element("title", title),
        element("style", STYLE),
    )
    tip = element("div", id="tip", role="tooltip", hidden="")
    return element("html", head, element("body", element("main", *parts), tip, element("script", SCRIPT)), lang="en")
