"""Where classes are uneven, the mean accuracy of the classes stands beside the accuracy."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
from rich.console import Console

from experiments.config.registry import DATASETS
from experiments.data.dataset import Dataset
from experiments.display.model_card import card, description
from experiments.setup.predicted_classes import balanced, correct
from experiments.setup.session_record import show_rows
from paper.compression_rows import Stage
from search_spaces.networks.onnx_writer import random_weights, write
from search_spaces.spaces.tiny import tiny

DATA = DATASETS["digits"]("", 16, 0.2, 0)
FACTS: dict[str, object] = {"onnxruntime": "1", "threads": 1, "session_verdict": "clean", "test_images": 9}
FACTS |= {"validation_images": 9, "space": "tiny", "data": "image_folder", "data_title": "Signs", "train_images": 9}
FACTS |= {"git_commit": "", "torch": "2"}


def uneven() -> Dataset:
    """All test images of nine classes, and two of the class 0."""
    labels = DATA.test.labels.numpy()
    return replace(DATA, test=DATA.test.at(np.sort([*np.flatnonzero(labels == 0)[:2], *np.flatnonzero(labels)])))


def row(accuracy: float | None) -> Stage:
    kept = {"stage": "int8", "precision": "int8", "parent": "", "sha256": "", "balanced_accuracy": accuracy}
    return Stage(**{one.name: kept.get(one.name, 1) for one in fields(Stage)})


def shown(*accuracies: float | None) -> str:
    console = Console(width=200)
    with console.capture() as captured:
        console.print(show_rows([row(one) for one in accuracies], ""))
    return captured.get()


def test_it_is_the_mean_of_the_classes_where_they_are_uneven() -> None:
    data = uneven()
    labels = data.test.labels.numpy()
    predicted = np.where(labels == 0, 5, labels)  # every image of the small class is wrong
    assert balanced(predicted, data) == 0.9
    assert correct(predicted, data.test) > 0.99
    assert balanced(DATA.test.labels.numpy(), DATA) is None


def test_the_table_has_a_column_only_where_it_counts() -> None:
    assert "balanced" not in shown(None, None)
    assert "balanced %" in shown(0.8125, 0.5)
    assert "81.25" in shown(0.8125, None)


def test_the_model_card_and_the_files_metadata_have_it() -> None:
    specs = tiny(1, 16, 10).decode(tiny(1, 16, 10).smallest)
    file = write(specs, random_weights(specs))
    with_it, without = (card("int8.onnx", file, row(one), FACTS, DATA, "") for one in (0.8125, None))
    assert "balanced accuracy, the mean of the classes: 81.25 %" in with_it
    assert "balanced" not in without
    assert "Signs, 9 for training" in with_it
    assert description(file, row(0.8125), FACTS, DATA, "")["balanced_accuracy"] == "0.8125"
    assert "balanced_accuracy" not in description(file, row(None), FACTS, DATA, "")
