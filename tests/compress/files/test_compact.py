"""Tests that compact INT8 files answer as larger ones, and that every session opens them."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from compress.files.compact import compact
from compress.files.parity import file_logits
from compress.host_sessions import host_session, options
from compress.quantization import quantize as quantization
from compress.quantization.calibration import activation_ranges
from compress.quantization.quantize import quantize, quantize_within
from search_spaces.layers import Pointwise, Spec
from search_spaces.networks.onnx_writer import random_weights, write
from tests.compress.random_files import fp32_file, int8_file, ranges_of
from tests.networks import GRAPHS, images


def with_dead_channels(specs: tuple[Spec, ...]) -> bytes:
    """Makes every third channel almost zero with a large bias, so that int32 nearly overflows; makes one zero."""
    weights = random_weights(specs)
    for weight, bias in (pair for layer in weights for pair in layer):
        weight[::3] *= 1e-12
        weight[1] = 0
        bias[::3] = 3.3
    return write(specs, weights)


@pytest.mark.parametrize("name", ["reference", "smallest", "block"])
@pytest.mark.parametrize("dead", [False, True])
def test_the_compact_file_answers_bit_for_bit(name: str, dead: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    specs = GRAPHS[name]
    model = with_dead_channels(specs) if dead else fp32_file(name)
    ranges = activation_ranges(model, images(specs)) if dead else ranges_of(name)
    small = quantize_within(model, ranges)
    monkeypatch.setattr(quantization, "compact", lambda model: model)
    large = quantize_within(model, ranges)
    assert len(small) < 0.8 * len(large)
    assert np.array_equal(file_logits(small, images(specs, 40)), file_logits(large, images(specs, 40)))


def precise_logits(model: bytes, inputs: np.ndarray) -> np.ndarray:
    """Runs a session that makes signed weights unsigned, as x86 CPUs without VNNI need for exact sums."""
    chosen = options()
    chosen.log_severity_level = 4
    chosen.add_session_config_entry("session.x64quantprecision", "1")
    return np.asarray(host_session(model, chosen).run(None, {"image": inputs})[0])


@pytest.mark.parametrize("name", GRAPHS)
@pytest.mark.parametrize("floats", [(), (1,)])
@pytest.mark.parametrize("reduce_range", [False, True])
def test_sessions_that_avoid_saturation_open_the_file(name: str, floats: tuple[int, ...], reduce_range: bool) -> None:
    specs, inputs = GRAPHS[name], images(GRAPHS[name], 4)
    if not specs[1].convs:
        floats = ()
    file = int8_file(name, floats, reduce_range)
    found = precise_logits(file, inputs)
    assert np.isfinite(found).all()
    if reduce_range:  # no sum saturates on any CPU
        np.testing.assert_array_equal(found, file_logits(file, inputs))


@pytest.mark.parametrize("twins", ["weights", "zero"])
def test_layers_with_equal_weights_open_too(twins: str) -> None:
    specs = tuple(Pointwise(16, 16, 1, 4) for _ in range(3))
    weights = random_weights(specs[:1]) * 3
    if twins == "zero":
        weights = [[(np.zeros_like(weight), bias) for weight, bias in layer] for layer in weights]
    for model in (write(specs, weights), compact(write(specs, weights))):
        file = quantize(model, images(specs), reduce_range=True)
        np.testing.assert_array_equal(precise_logits(file, images(specs)), file_logits(file, images(specs)))


@pytest.mark.parametrize("name", ["reference", "smallest", "macro"])
def test_unshared_zero_points_cost_little(name: str) -> None:
    specs, file = GRAPHS[name], int8_file(name)
    weights = sum(weight.size for layer in random_weights(specs) for weight, _ in layer)
    channels = sum(len(bias) for layer in random_weights(specs) for _, bias in layer)
    tensors = len(onnx.load_from_string(file).graph.initializer)
    assert len(file) < weights + 9 * channels + 60 * tensors + 1500  # scale, bias, zero point
