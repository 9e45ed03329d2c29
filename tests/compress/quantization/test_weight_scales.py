"""Tests that INT8 files have the scales that onnxruntime itself would compute for their weights."""

from __future__ import annotations

import pytest

from compress.quantization import quantize as quantization
from compress.quantization.quantize import quantize_within
from search_spaces.networks.onnx_writer import random_weights, write
from tests.compress.random_files import ranges_of
from tests.networks import GRAPHS


@pytest.mark.parametrize("name", ["reference", "block"])
@pytest.mark.parametrize("reduce_range", [False, True])
@pytest.mark.parametrize("kept", [(), (1,)])
def test_scales_are_those_of_onnxruntime(
    name: str, reduce_range: bool, kept: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of channels that are zero, or so small that their scale would be denormal."""
    weights = random_weights(GRAPHS[name])
    for weight, _ in (pair for layer in weights for pair in layer):
        weight[1], weight[2] = 0, 1e-40
    model, ranges = write(GRAPHS[name], weights), ranges_of(name)
    file = quantize_within(model, ranges, kept, reduce_range)
    monkeypatch.setattr(quantization, "_scales", lambda *_: {})
    assert quantize_within(model, ranges, kept, reduce_range) == file
