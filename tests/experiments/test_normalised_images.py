"""Tests the images that networks are given: normalised a batch at a time, and never copied as a whole."""

from __future__ import annotations

import io
import pickle

import numpy as np
import pytest
import torch

from compress.files.parity import file_logits
from experiments.data.dataset import Dataset, Split, assemble
from search_spaces.networks.evaluation import batches
from search_spaces.networks.onnx_writer import random_weights, write
from search_spaces.spaces.tiny import tiny


def large(count: int) -> Dataset:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (count, 3, 16, 16), dtype=torch.uint8, generator=generator)
    split = Split(images, torch.arange(count) % 10)
    return assemble("large", [str(i) for i in range(10)], split.at(np.arange(count)[::-1].copy()), split, split)


@pytest.mark.parametrize("count", [1, 200, 401])
def test_images_are_normalised_a_batch_at_a_time_as_all_at_once(count: int) -> None:
    data = large(count)
    images, _ = data.fixed(data.train, 0, 0)
    everything = data.normalize(data.train.images)
    parts = list(batches(images))
    assert [len(part) for part in parts] == [len(part) for part in batches(everything)]
    assert torch.equal(torch.cat(parts), everything)
    assert images.shape == everything.shape
    assert np.array_equal(images.numpy(), everything.contiguous().numpy())


def test_a_file_answers_alike_for_images_and_for_an_array() -> None:
    data = large(150)
    specs = tiny(3, 16, 10).decode(tiny(3, 16, 10).smallest)
    model = write(specs, random_weights(specs))
    images = data.fixed(data.train, 0, 0)[0]
    assert np.array_equal(file_logits(model, images), file_logits(model, images.numpy()))


def test_a_part_of_the_images_is_sent_alone() -> None:
    data = large(400)
    images = data.fixed(data.train, 10, 0)[0]
    sent = pickle.dumps(images)
    assert len(sent) < 50 * images.pixels[0].numel()
    assert torch.equal(pickle.loads(sent)[:], images[:])  # noqa: S301
    whole = io.BytesIO()
    pickle.dump(data.fixed(data.validation, 0, 0)[0], whole)
    assert whole.tell() < 450 * images.pixels[0].numel()


def test_halves_of_a_split_copy_no_image() -> None:
    data = large(400)
    half = data.train.at(np.arange(200)).at(np.arange(0, 200, 2))
    assert half.pixels is data.train.pixels
    assert torch.equal(half.images, data.train.images[0:200:2])
