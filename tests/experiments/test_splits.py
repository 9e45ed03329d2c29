"""Tests splits of a data set: given or drawn, disjoint, and the same for the same seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from experiments.data import DATASETS, Shape, shape_of
from experiments.data.splits import hold_out
from tests.experiments.image_files import all_numbers, numbers, splits, write_tree

image_folder, digits = DATASETS["image_folder"], DATASETS["digits"]


def test_hold_out_is_stratified_seeded_and_disjoint() -> None:
    labels = np.repeat([0, 1, 2], [10, 40, 3])
    kept, held = hold_out(labels, 0.2, 0, "test", "abc")
    assert sorted([*kept, *held]) == list(range(53))
    assert np.bincount(labels[held]).tolist() == [2, 8, 1]
    assert np.array_equal(held, hold_out(labels, 0.2, 0, "test", "abc")[1])
    assert not np.array_equal(held, hold_out(labels, 0.2, 1, "test", "abc")[1])
    assert np.bincount(labels[hold_out(labels, 0.999, 0, "test", "abc")[0]]).tolist() == [1, 1, 1]


def test_digits() -> None:
    data, same, other = (digits("", 16, 0.25, seed) for seed in (0, 0, 1))
    assert [len(split.labels) for split in splits(data)] == [1079, 359, 359]
    assert data.train.images.shape == (1079, 1, 16, 16)
    assert data.shape == shape_of("digits", "", 16) == Shape(1, 16, 10)
    assert torch.equal(data.train.images, same.train.images)
    assert torch.equal(data.test.images, other.test.images)
    assert not torch.equal(data.validation.labels, other.validation.labels)
    assert data.train.images.max() == 255


def test_digits_are_those_of_scikit_learn() -> None:
    data, source = digits("", 8, 0.25, 0), load_digits()
    images, labels = (torch.cat([getattr(split, name) for split in splits(data)]) for name in ("images", "labels"))
    ours = sorted(zip(images.flatten(1).tolist(), labels.tolist()))
    levels = np.round(source.data * 255 / 16).astype(int)
    assert ours == sorted(zip(levels.tolist(), source.target.tolist()))


def test_drawn_splits_are_disjoint_and_seeded(pets: Path) -> None:
    data, same, other = (image_folder(str(pets), 8, 0.25, seed) for seed in (0, 0, 1))
    assert [len(split.labels) for split in splits(data)] == [30, 10, 10]
    assert sorted(all_numbers(data)) == list(range(50))
    assert data.classes == ("cat", "dog")
    for split in splits(data):
        assert [int(number >= 20) for number in numbers(split)] == split.labels.tolist()
    assert numbers(data.validation) == numbers(same.validation)
    assert numbers(data.validation) != numbers(other.validation)
    assert numbers(data.test) == numbers(other.test)  # every seed reports on the same images


@pytest.mark.parametrize("validation", ["val", "valid", "validation"])
def test_given_splits_are_used(tmp_path: Path, validation: str) -> None:
    root = write_tree(
        tmp_path / "root",
        {"train/cat": 4, "train/dog": 4, f"{validation}/cat": 2, f"{validation}/dog": 2, "test/cat": 1, "test/dog": 1},
    )
    data = image_folder(str(root), 8, 0.5, 0)
    assert [numbers(split) for split in splits(data)] == [list(range(8)), list(range(8, 12)), [12, 13]]
    assert [split.labels.tolist() for split in splits(data)] == [[0] * 4 + [1] * 4, [0, 0, 1, 1], [0, 1]]


def test_validation_is_drawn_from_train_beside_a_test_folder(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "root", {"train/cat": 10, "train/dog": 10, "test/cat": 3, "test/dog": 3})
    data = image_folder(str(root), 8, 0.2, 0)
    assert numbers(data.test) == list(range(20, 26))
    assert sorted(numbers(data.train) + numbers(data.validation)) == list(range(20))
    assert len(data.validation.labels) == 4


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "root", {"car": 5, "train": 5})
    assert image_folder(str(root), 8, 0.5, 0).classes == ("car", "train")
