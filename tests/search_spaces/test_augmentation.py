"""Tests the changes of training images: each does what its paper says, and draws its own random numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

from experiments.data.augmentation import (
    ALIKE,
    alternating,
    crops,
    cutout,
    mixup,
    offsets,
    randaugmented,
    resized_crops,
)
from experiments.data.dataset import Split, assemble
from search_spaces.training.recipe import Augmentation
from tests.search_spaces.few_digits import PARTS, data


def numbered(count: int) -> Split:
    """Returns images [count, 1, 8, 8] whose columns tell left from right, and whose label is their index."""
    columns = torch.arange(8, dtype=torch.uint8).expand(count, 1, 8, 8)
    return Split((columns + 8 * torch.arange(count, dtype=torch.uint8)[:, None, None, None]), torch.arange(count))


def epochs(count: int, size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields labels and whether they are mirrored, batch by batch, over four epochs."""
    split = numbered(count)
    made = assemble("numbered", [str(one) for one in range(count)], split, split, split)
    for step in range(4 * count // size):
        images, labels = made.batch(step, size, 1, Augmentation(alternating_flip=True))
        centre = images[:, 0, 4, 2:6]
        yield labels.numpy(), (centre[:, 0] > centre[:, -1]).numpy()


@pytest.mark.parametrize(("count", "size"), [(24, 8), (24, 16)])
def test_an_image_is_mirrored_in_every_second_epoch(count: int, size: int) -> None:
    labels, flipped = (np.concatenate(part).reshape(4, count) for part in zip(*epochs(count, size)))
    by_image = np.stack([row[np.argsort(order)] for order, row in zip(labels, flipped)])
    assert (by_image[0] != by_image[1]).all()
    assert (by_image[:2] == by_image[2:]).all()
    assert 0 < by_image[0].sum() < count


def test_half_of_the_images_are_mirrored_first() -> None:
    assert 450 < alternating(np.arange(1000), 0, 1000, 0).sum() < 550


def test_a_reflected_crop_is_one_of_the_reflected_image() -> None:
    images = torch.randint(0, 256, (30, 2, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    padded = np.pad(images.numpy(), ((0, 0), (0, 0), (2, 2), (2, 2)), mode="reflect")
    rows, columns = np.random.default_rng(5).integers(0, 5, (2, 30))
    for at, crop in enumerate(crops(images, offsets(30, 16, np.random.default_rng(5)), reflect=True).numpy()):
        row, column = rows[at], columns[at]
        assert (crop == padded[at, :, row : row + 16, column : column + 16]).all()


def test_cutout_blanks_one_square_of_every_image() -> None:
    blank = cutout(torch.ones(64, 3, 16, 16), 0.25, step=2, seed=0) == 0
    assert (blank == blank[:, :1]).all()
    heights, widths = blank[:, 0].any(2).sum(1), blank[:, 0].any(1).sum(1)
    assert torch.equal(blank[:, 0].sum((1, 2)), heights * widths)  # a square, or its part within the image
    assert max(heights) == max(widths) == 4
    assert min(heights) >= 2
    assert len({tuple(one.flatten().tolist()) for one in blank[:, 0]}) > 30


def test_mixed_images_have_the_shares_of_their_labels() -> None:
    labels = torch.arange(12) % 4
    images = labels.float()[:, None, None, None].expand(12, 3, 4, 4)
    mixed, shares = mixup(images, labels, 4, 0.8, step=3, seed=0)
    torch.testing.assert_close(shares.sum(1), torch.ones(12))
    torch.testing.assert_close(mixed[:, 0, 0, 0], shares @ torch.arange(4.0))
    assert ((shares > 0).sum(1) == 2).any()


def test_a_resized_crop_is_a_large_enough_part_of_its_image() -> None:
    """Ramps over columns and rows show the part's width and height by their slopes."""
    ramp = torch.linspace(0, 248, 32).round().to(torch.uint8)
    images = torch.stack([ramp.expand(32, 32), ramp[:, None].expand(32, 32)]).expand(100, 2, 32, 32)
    made = resized_crops(images, 0.25, step=3, seed=0)
    assert (made.dtype, made.shape) == (torch.uint8, images.shape)
    values = made.float()
    width = (values[:, 0, 16, 28] - values[:, 0, 16, 3]) / 25 / 8
    height = (values[:, 1, 28, 16] - values[:, 1, 3, 16]) / 25 / 8
    areas, aspects = width * height, width / height
    assert 0.2 < areas.min() < 0.35
    assert 0.9 < areas.max() < 1.1
    assert 0.7 < aspects.min() < 0.8
    assert 1.25 < aspects.max() < 1.45
    assert len(values[:, 0, 16, 16].unique()) > 30  # in different places


def test_randaugment_changes_groups_alike_and_leaves_torchs_random_stream() -> None:
    images = torch.randint(0, 256, (3 * ALIKE, 3, 16, 16), dtype=torch.uint8)
    images[1] = images[0]
    before = torch.random.get_rng_state()
    first, again, later = (randaugmented(images, 9, step, 0) for step in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(first, again)
    assert not torch.equal(first, later)
    assert torch.equal(first[0], first[1])
    assert (first.dtype, first.shape) == (torch.uint8, images.shape)


@pytest.mark.parametrize("part", ["resized_crop", "randaugment"])
def test_images_are_varied_in_float32_under_autocast(part: str) -> None:
    varied = Augmentation(**PARTS[part])
    plain = data().batch(2, 16, 0, varied)[0]
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(data().batch(2, 16, 0, varied)[0], plain)


def test_no_part_draws_the_random_numbers_of_another() -> None:
    """The crops stay the same when cutout, mixup or alternating flip are switched, mirroring with resized crops."""
    plain, alternate = (data().batch(2, 16, 0, Augmentation(alternating_flip=on))[0] for on in (False, True))
    for one, other in zip(plain, alternate):
        assert torch.equal(one, other) or torch.equal(one, other.flip(2))
    blanked = data().batch(2, 16, 0, Augmentation(cutout=0.5))[0]
    assert ((blanked == plain) | (blanked == 0)).all()
    split = numbered(24)
    made = assemble("numbered", [str(one) for one in range(24)], split, split, split)
    usual, resized = (made.batch(1, 24, 0, Augmentation(resized_crop=part))[0][:, 0, 4] for part in (0.0, 0.7))
    assert torch.equal(usual[:, 2] > usual[:, 5], resized[:, 2] > resized[:, 5])


def test_all_images_are_those_of_training_and_validation() -> None:
    whole = data()
    joined = whole.joined
    assert (len(joined.train.labels), len(joined.validation.labels)) == (48, 0)
    assert (joined.mean, joined.std, joined.test) == (whole.mean, whole.std, whole.test)
    torch.testing.assert_close(joined.train.images, torch.cat([whole.train.images, whole.validation.images]))
    apart = replace(whole, validation=Split(whole.validation.images, whole.validation.labels))
    torch.testing.assert_close(apart.joined.train.images, joined.train.images)
    torch.testing.assert_close(apart.joined.train.labels, joined.train.labels)
