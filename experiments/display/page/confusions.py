"""The deployed file's predictions on the test images: every class, the confusion matrix, the worst confusions."""

from __future__ import annotations

from xml.etree.ElementTree import Element

import numpy as np

from experiments.data.dataset import Dataset
from experiments.display.page.elements import Child, element, section, table, tooltip, wide
from experiments.display.page.pictures import picture
from experiments.display.page.predictions import Predictions

CLASSES = 24  # the largest number of classes in the matrix
PAIRS, EACH = 8, 3  # how many of the worst confusions to show, and images of each
OTHERS = "other classes"


def confusions(data: Dataset, predictions: Predictions) -> Element:
    total, wrong = len(predictions.labels), int((predictions.labels != predictions.predicted).sum())
    uneven = "The classes have uneven numbers of images, so look at the balanced accuracy too. "
    line = (
        f"Of {total:,} test images, the deployed file classified {total - wrong:,} correctly "
        f"({100 * (1 - wrong / total):.2f} %). The mean accuracy of the classes (balanced accuracy) is "
        f"{100 * predictions.balanced:.2f} %. {uneven if predictions.uneven else ''}These images influenced no choice."
    )
    return section(
        "predictions",
        "Test images, class by class",
        element("p", line),
        _per_class(predictions),
        _matrix(predictions),
        *_worst(data, predictions),
    )


def _per_class(predictions: Predictions) -> Element:
    rows: list[list[Child]] = []
    counts, right = predictions.matrix.sum(1), predictions.matrix.diagonal()
    for at in np.argsort(predictions.accuracies, kind="stable"):
        bar = element("span", class_="bar", style=f"width:{6 * predictions.accuracies[at]:.2f}em", aria_hidden="true")
        rows.append(
            [predictions.classes[at], f"{100 * predictions.accuracies[at]:.2f}", f"{right[at]:,}", f"{counts[at]:,}"]
        )
        rows[-1].append(bar)
    columns = ["class", "accuracy (%)", "correct", "images", ""]
    every = table("Accuracy of every class, lowest first", columns, rows)
    if len(rows) <= CLASSES:
        return every
    return element("details", element("summary", f"Accuracy of all {len(rows)} classes"), every)


def _matrix(predictions: Predictions) -> Element:
    """The classes with the most errors, and all others together."""
    matrix = predictions.matrix
    errors = matrix.sum(0) + matrix.sum(1) - 2 * matrix.diagonal()
    shown = np.sort(np.argsort(-errors, kind="stable")[:CLASSES])
    names = [predictions.classes[at] for at in shown]
    cells = matrix[np.ix_(shown, shown)]
    rest = matrix[shown].sum(1) - cells.sum(1)
    columns = [*names, *([OTHERS] if len(matrix) > CLASSES else [])]
    heads = [
        tooltip(element("th", str(number), scope="col", aria_label=name), name)
        for number, name in enumerate(columns, 1)
    ]
    rows = []
    for number, (name, counts, other) in enumerate(zip(names, cells, rest), 1):
        values = [*counts.tolist(), *([int(other)] if len(matrix) > CLASSES else [])]
        all_of = max(1, int(counts.sum() + other))
        made = [_cell(name, columns[at], value, value / all_of) for at, value in enumerate(values)]
        rows.append(element("tr", element("th", f"{number} {name}", scope="row"), *made))
    some = f"the {len(shown)} of {len(matrix)} classes with the most errors" if len(matrix) > CLASSES else "all classes"
    caption = f"Confusion matrix, {some}: rows are true classes, columns are predictions, by the numbers of the rows"
    head = element("thead", element("tr", element("th", "", scope="col"), *heads))
    grid = element("table", element("caption", caption), head, element("tbody", *rows), class_="matrix")
    return wide("Confusion matrix", grid)


def _cell(true: str, predicted: str, count: int, share: float) -> Element:
    right = true == predicted
    made = element("td", str(count) if count else "", class_="right" if right else None)
    made.set("style", f"--share:{(0.6 if right else 0.9) * share:.3f}")
    return tooltip(made, f"{count:,} images of {true}, predicted as {predicted}") if count else made


def _worst(data: Dataset, predictions: Predictions) -> list[Element]:
    made = []
    for true, wrong, count in predictions.confused[:PAIRS]:
        for at in predictions.examples(true, wrong, EACH):
            text = f"{predictions.classes[true]}, taken for {predictions.classes[wrong]}"
            made.append(element("li", picture(data, data.test, int(at), text), f"{text} ({count:,})"))
    if not made:
        return [element("p", "No test image was confused.")]
    title = element("h3", "The most frequent confusions, as the network sees the images")
    return [title, element("ul", *made, class_="pictures")]
