"""The classes that each file predicted for the test images; test images are evaluated only in that session."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from compress.files.parity import file_logits
from experiments.data.dataset import Dataset, Split
from experiments.display.page.predictions import Predictions
from experiments.store import artefacts
from search_spaces.documents import DamagedError, read_sealed, sealed

FILE = "test_predictions.json"


def predict(file: bytes, data: Dataset, split: Split) -> np.ndarray:
    """The class that the file predicts for each of a split's images, int64 [N]."""
    return file_logits(file, data.fixed(split, 0, 0)[0]).argmax(1)


def correct(predicted: np.ndarray, split: Split) -> float:
    """The fraction of a split's images that were classified correctly."""
    return (torch.from_numpy(predicted) == split.labels).float().mean().item()


def validated(file: bytes, data: Dataset) -> float:
    """The file's accuracy on the validation images, a fraction."""
    return correct(predict(file, data, data.validation), data.validation)


def balanced(predicted: np.ndarray, data: Dataset) -> float | None:
    """The mean of the classes' accuracies on the test images; None if the classes are about equally large."""
    found = Predictions(data.classes, data.test.labels.numpy(), predicted)
    return found.balanced if found.uneven else None


def save(folder: Path, predictions: Mapping[str, np.ndarray]) -> None:
    """Writes predictions [N] by the sha256 of the file that made them."""
    lines = {sha256: " ".join(map(str, classes.tolist())) for sha256, classes in predictions.items()}
    artefacts.write(folder / FILE, sealed(lines))


def load(folder: Path) -> dict[str, np.ndarray]:
    """Reads predictions, int64 [N], by the sha256 of the file that made them."""
    path = folder / FILE
    try:
        return {sha256: np.array(line.split(), np.int64) for sha256, line in read_sealed(path, "predictions").items()}
    except (AttributeError, ValueError, OverflowError) as error:
        raise DamagedError(f"{path} is damaged: {error}") from None
