"""Tests the cost of INT8 layer by layer, and the layers that therefore stay in float."""

from __future__ import annotations

from functools import partial

import pytest

from compress.files.parity import agreement, file_logits
from compress.layers import layers_of
from compress.quantization.calibration import activation_ranges
from compress.quantization.quantize import quantize_within
from compress.quantization.sensitivity import Sensitivity, blame, float_layers, sensitivities
from search_spaces.layers import Head, Pointwise, Spec
from search_spaces.networks.onnx_writer import random_weights, write
from tests.networks import images


@pytest.fixture(scope="module")
def delicate() -> tuple[tuple[Spec, ...], bytes]:
    """Four layers; between two of them, one channel is a thousand times as wide as the others and ruins their range."""
    specs = (Pointwise(8, 16, 1, 4), Pointwise(16, 16, 1, 4), Pointwise(16, 16, 1, 4), Head(16, 32, 10, 4))
    weights = random_weights(specs)
    weights[1][0][0][0] *= 1000
    weights[2][0][0][:, 0] /= 1000
    return specs, write(specs, weights)


def test_the_layer_that_costs_most_comes_first(delicate: tuple[tuple[Spec, ...], bytes]) -> None:
    specs, model = delicate
    inputs = images(specs, 200)
    ranges = activation_ranges(model, inputs)
    write = partial(quantize_within, model, ranges)
    table = sensitivities(model, write, inputs)
    assert sorted(row.layer for row in table) == layers_of(model) == [0, 1, 2, 3]
    assert [row.sqnr for row in table] == sorted(row.sqnr for row in table)
    assert {row.layer for row in table[:2]} == {1, 2}  # both read or write the ruined activation
    assert all(0 <= row.agreement <= 1 for row in table)
    kept = float_layers(model, write, inputs, table)
    fp32 = file_logits(model, inputs)
    assert agreement(fp32, file_logits(quantize_within(model, ranges), inputs)) < 0.99
    assert agreement(fp32, file_logits(quantize_within(model, ranges, kept), inputs)) >= 0.99
    assert set(kept) == {1, 2}


def test_slow_layers_stay_in_float_whatever_they_cost(delicate: tuple[tuple[Spec, ...], bytes]) -> None:
    specs, model = delicate
    inputs = images(specs, 50)
    write = partial(quantize_within, model, activation_ranges(model, inputs))
    table = [Sensitivity(layer, 1, 1) for layer in (1, 2, 0, 3)]
    assert float_layers(model, write, inputs, table, slower=[3], least=0) == (3,)
    assert float_layers(model, write, inputs, table, slower=[3], least=1.01) == (0, 1, 2, 3)


def test_who_is_to_blame() -> None:
    table = [Sensitivity(4, 0.97, 12.0), Sensitivity(2, 1.0, 30.0)]
    assert blame(0.99, table) == ""
    assert "4 (alone 97 %, 12 dB), 2 (alone" in blame(0.98, table)
