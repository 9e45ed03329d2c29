"""With data.balanced=true, training shows every class equally often, and every image of a class equally often."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from experiments.config import DataConfig
from experiments.config.registry import DATASETS
from experiments.data.sampling import balanced, shuffled
from experiments.setup.images import dataset_of
from experiments.steps.settings import Images
from experiments.store.step import as_json

SIZES = (40, 7, 1)  # images of each class
MEMBERS = np.split(np.random.default_rng(0).permutation(sum(SIZES)), np.cumsum(SIZES)[:-1])
LABELS = np.empty(sum(SIZES), np.int64)
for label, members in enumerate(MEMBERS):
    LABELS[members] = label


@pytest.mark.parametrize("seed", [0, 1])
def test_every_round_has_every_class_and_every_epoch_of_a_class_all_its_images(seed: int) -> None:
    drawn = balanced(MEMBERS, 0, 3 * 80, seed)
    assert (np.sort(LABELS[drawn].reshape(-1, 3), axis=1) == [0, 1, 2]).all()
    for label, own in enumerate(MEMBERS):
        mine = drawn[LABELS[drawn] == label]
        for epoch in range(80 // len(own)):
            assert sorted(mine[epoch * len(own) :][: len(own)]) == sorted(own)


@pytest.mark.parametrize("size", [1, 4, 17, 120])
def test_batches_are_parts_of_one_sequence(size: int) -> None:
    """So a resumed training, and one with another batch size, sees the same images."""
    whole = balanced(MEMBERS, 0, 120, 5)
    parts = [balanced(MEMBERS, first, min(size, 120 - first), 5) for first in range(0, 120, size)]
    assert np.array_equal(np.concatenate(parts), whole)
    assert not np.array_equal(balanced(MEMBERS, 0, 120, 6), whole)


def test_without_it_every_image_is_shown_once_in_an_epoch() -> None:
    drawn = shuffled(48, 0, 96, 0)
    assert sorted(drawn[:48]) == sorted(drawn[48:]) == list(range(48))


def test_batches_of_uneven_classes_are_balanced_and_others_unchanged() -> None:
    data = DATASETS["digits"]("", 8, 0.25, 0)
    labels = data.train.labels
    few = data.train.at(np.flatnonzero((labels != 3).numpy() | (torch.arange(len(labels)) % 9 == 0).numpy()))
    uneven = replace(data, train=few)
    sets = (uneven, replace(uneven, balanced=True))
    plain, even = (torch.cat([one.batch(step, 50, 0)[1] for step in range(8)]) for one in sets)
    assert torch.bincount(plain, minlength=10)[3] < 20
    assert torch.bincount(even, minlength=10).tolist() == [40] * 10
    images, again = (replace(uneven, balanced=True).batch(3, 50, 0) for _ in range(2))
    assert torch.equal(images[0], again[0])


def test_a_class_without_images_is_not_drawn() -> None:
    data = DATASETS["digits"]("", 8, 0.25, 0)
    without = replace(data, balanced=True, train=data.train.at(np.flatnonzero(data.train.labels.numpy() != 0)))
    assert torch.bincount(without.batch(0, 90, 0)[1], minlength=10).tolist() == [0, *[10] * 9]


def test_the_option_reaches_the_data_set_and_the_keys_of_steps() -> None:
    plain, even = DataConfig(), DataConfig(balanced=True)
    assert (dataset_of(plain).balanced, dataset_of(even).balanced) == (False, True)
    assert "balanced" not in as_json(Images.of(plain))  # finished steps are found
    assert as_json(Images.of(even))["balanced"] is True
