"""Tests batches: they depend on seed and step alone, and every image comes once an epoch."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from experiments.data import DATASETS
from experiments.data.augmentation import crops, mirrored, offsets
from experiments.data.dataset import Dataset, Split, assemble

digits = DATASETS["digits"]


def counted(count: int, flip: bool = True) -> Dataset:
    """Returns images whose grey level and label are their index."""
    images = torch.arange(count, dtype=torch.uint8)[:, None, None, None].expand(count, 3, 16, 16).contiguous()
    split = Split(images, torch.arange(count))
    return assemble("counted", [str(index) for index in range(count)], split, split, split, flip)


def test_batch_is_a_pure_function_of_step_and_seed() -> None:
    data = digits("", 16, 0.2, 0)
    images, labels = data.batch(7, 32, seed=3)
    data.batch(8, 32, seed=3)
    again = digits("", 16, 0.2, 0).batch(7, 32, seed=3)
    assert torch.equal(images, again[0])
    assert torch.equal(labels, again[1])
    assert not torch.equal(images, data.batch(8, 32, seed=3)[0])
    assert not torch.equal(images, data.batch(7, 32, seed=4)[0])
    assert images.dtype == torch.float32
    assert images.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(("count", "size"), [(48, 8), (50, 8), (5, 8)])
def test_every_image_comes_once_an_epoch_and_every_batch_is_full(count: int, size: int) -> None:
    data = counted(count)
    batches = [data.batch(step, size, seed=1)[1] for step in range(count)]
    assert all(len(batch) == size for batch in batches)
    epochs = torch.cat(batches).view(size, count)
    assert torch.equal(epochs.sort(1).values, torch.arange(count).expand(size, count))
    assert not torch.equal(epochs[0], epochs[1])


def test_labels_follow_their_images() -> None:
    data = counted(40)
    images, labels = data.batch(3, 16, seed=0)
    centre = images[:, 0, 8, 8] * data.std[0] + data.mean[0]
    assert torch.equal((centre * 255).round().long(), labels)


def test_augmented_images_are_crops_of_padded_images() -> None:
    images = torch.randint(1, 256, (200, 3, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    padded = torch.nn.functional.pad(images, (2, 2, 2, 2))
    seen = set()
    rng = np.random.default_rng(0)
    for original, crop in zip(padded, mirrored(crops(images, offsets(200, 16, rng)), rng.random(200) < 0.5)):
        places = {
            (row, column, mirrored)
            for row in range(5)
            for column in range(5)
            for mirrored in (False, True)
            if torch.equal(original[:, row : row + 16, column : column + 16], crop.flip(2) if mirrored else crop)
        }
        assert len(places) == 1
        seen |= places
    assert len(seen) > 40  # of 50 positions


def test_digits_are_never_mirrored() -> None:
    ramp = torch.arange(1, 17, dtype=torch.uint8).expand(64, 1, 16, 16).contiguous()
    split = Split(ramp, torch.zeros(64, dtype=torch.int64))
    rows = assemble("ramp", ["a"], split, split, split, flip=False).batch(0, 64, 0)[0][:, 0, 8]
    assert (rows[:, 3:13].diff() > 0).all()
    assert not digits("", 16, 0.2, 0).flip


def test_normalised_training_images_have_mean_zero_and_deviation_one() -> None:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (100, 3, 8, 8), dtype=torch.uint8, generator=generator)
    images[:, 1] //= 3
    split = Split(images, torch.zeros(100, dtype=torch.int64))
    normal = assemble("noise", ["a"], split, split, split).normalize(images).double()
    assert normal.mean((0, 2, 3)).abs().max() < 1e-6
    assert (normal.std((0, 2, 3), correction=0) - 1).abs().max() < 1e-6


def test_a_blank_channel_stays_finite() -> None:
    black = Split(torch.zeros(4, 1, 8, 8, dtype=torch.uint8), torch.zeros(4, dtype=torch.int64))
    images, _ = assemble("blank", ["a"], black, black, black).batch(0, 4, 0)
    assert torch.equal(images, torch.zeros(4, 1, 8, 8))


def test_fixed_subsets() -> None:
    data = counted(40)
    images, labels = data.fixed(data.test, 10, seed=5)
    assert len(set(labels.tolist())) == 10
    assert torch.equal(labels, data.fixed(data.test, 10, seed=5)[1])
    assert not torch.equal(labels, data.fixed(data.test, 10, seed=6)[1])
    assert torch.equal(images[:], data.normalize(data.test.images[labels]))
    for count in (0, 40, 41):
        assert torch.equal(data.fixed(data.test, count, seed=5)[1], data.test.labels)
