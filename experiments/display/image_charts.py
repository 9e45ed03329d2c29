"""Pictures for TensorBoard: sample images as the network sees them, and the confusion matrix of a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from experiments.data.dataset import Dataset
from experiments.display import events
from experiments.display.page.predictions import Predictions
from paper.figures import style

COLUMNS, ROWS = 6, 4  # most sample images
CLASSES = 30  # most classes of a matrix; of more, those with most errors
NUMBERED = 12  # most classes for which each cell has room for its number


def show(folder: Path, data: Dataset, name: str, predicted: np.ndarray) -> None:
    """Shows sample images, and the confusion matrix of the file that predicted classes [N] for the test images."""
    predictions = Predictions(data.classes, data.test.labels.cpu().numpy(), predicted)
    with events.writer(folder) as board:
        events.show_picture(board, "sample images", samples(data))
        events.show_picture(board, f"confusion matrix/{name}", confusion(predictions))


@rc_context(style.RC)
def samples(data: Dataset) -> Figure:
    """Training images of as many classes as there is room for, under the names of their classes."""
    labels = data.train.labels.cpu().numpy()
    turns = np.lexsort((labels, _turns(labels)))  # the first image of every class, then the second
    shown = turns[: COLUMNS * ROWS]
    pixels = data.train.at(shown).images.permute(0, 2, 3, 1).cpu().numpy()
    rows = -(-len(shown) // COLUMNS)
    figure = style.figure(1.25 * rows, style.PAGE)
    for axes in (panels := figure.subplots(rows, COLUMNS, squeeze=False)).flat:
        axes.set_axis_off()
    for axes, image, label in zip(panels.flat, pixels, labels[shown]):
        axes.imshow(image.squeeze(-1) if image.shape[-1] == 1 else image, cmap="gray", vmin=0, vmax=255)
        axes.set_title(_short(data.classes[label]), fontsize=7)
    return figure


def _turns(labels: np.ndarray) -> np.ndarray:
    """How many earlier images have the same label [N]."""
    order = np.argsort(labels, kind="stable")
    first = np.searchsorted(labels[order], labels[order])
    turns = np.empty_like(order)
    turns[order] = np.arange(len(labels)) - first
    return turns


@rc_context(style.RC)
def confusion(predictions: Predictions) -> Figure:
    """Rows are true classes, columns predictions; colours are shares of the true class."""
    matrix = predictions.matrix
    errors = matrix.sum(0) + matrix.sum(1) - 2 * matrix.diagonal()
    shown = np.sort(np.argsort(-errors, kind="stable")[:CLASSES])
    counts, size = matrix[np.ix_(shown, shown)], max(3.4, 0.6 + 0.22 * len(shown))
    shares = counts / np.maximum(matrix[shown].sum(1, keepdims=True), 1)
    figure = style.figure(size, size + 0.6)
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    names = [_short(predictions.classes[index]) for index in shown]
    axes.set_xticks(range(len(shown)), names, rotation=90, fontsize=6)
    axes.set_yticks(range(len(shown)), names, fontsize=6)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    if len(shown) < len(matrix):
        axes.set_title(f"the {len(shown)} of {len(matrix)} classes with most errors")
    if len(shown) <= NUMBERED:
        for (row, column), count in np.ndenumerate(counts):
            if count:
                dark = shares[row, column] > 0.5
                axes.text(column, row, count, ha="center", va="center", fontsize=6, color="white" if dark else "black")
    return figure


def _short(name: str) -> str:
    return name if len(name) <= 16 else f"{name[:15]}…"
