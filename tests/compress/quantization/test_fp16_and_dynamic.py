"""Tests files with 16-bit floats, and with INT8 weights alone."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from compress.files.parity import file_logits
from compress.quantization.dynamic import dynamic
from compress.quantization.half import half
from compress.quantization.sensitivity import sqnr
from search_spaces.networks.network import Network
from tests.networks import GRAPHS, images


@pytest.mark.parametrize(("smaller", "least", "decibels"), [(half, 1.8, 50), (dynamic, 2, 10)])
def test_other_small_files(network: Network, model: bytes, smaller: object, least: float, decibels: float) -> None:
    assert callable(smaller)
    file, inputs = smaller(model), images(GRAPHS["reference"])
    assert smaller(model) == file
    onnx.checker.check_model(file, full_check=True)
    assert len(model) > least * len(file)
    logits = file_logits(file, inputs)
    assert logits.dtype == np.float32
    assert sqnr(file_logits(model, inputs), logits) > decibels


def test_dynamic_files_are_judged_one_image_at_a_time(model: bytes) -> None:
    """They are timed on one image too: an activation's range is that of its batch."""
    file, inputs = dynamic(model), images(GRAPHS["reference"], 6)
    inputs[3] *= 20  # spoils the ranges of a batch
    alone = np.concatenate([file_logits(file, image[None]) for image in inputs])
    np.testing.assert_array_equal(file_logits(file, inputs), alone)
    assert not np.allclose(file_logits(file, inputs, batch=6), alone)
