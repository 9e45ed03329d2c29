"""Tests INT8 files: their kernels, their accuracy, and the ranges of their activations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from compress.files.parity import file_logits
from compress.quantization.calibration import METHODS, activation_ranges
from compress.quantization.quantize import quantize, quantize_within
from compress.quantization.sensitivity import sqnr
from search_spaces.errors import LutraError
from search_spaces.layers import MBConv
from search_spaces.networks.network import Network
from search_spaces.networks.onnx_writer import write
from tests.compress.random_files import fp32_file, int8_file
from tests.integer_kernels import kernels
from tests.networks import BARE, GRAPHS, images


@pytest.mark.parametrize("name", GRAPHS)
def test_everything_runs_as_integer_kernels(name: str, tmp_path: Path) -> None:
    specs = GRAPHS[name]
    ran = kernels(int8_file(name), tmp_path)
    assert ran.pop("QLinearConv") == sum(len(spec.convs) for spec in specs)
    assert ran.pop("QLinearAdd", 0) == sum(isinstance(spec, MBConv) and spec.residual for spec in specs)
    assert ran.pop("QGemm", 0) == ran.pop("QLinearGlobalAveragePool", 0) == (name not in BARE)
    assert ran.pop("QuantizeLinear") == ran.pop("DequantizeLinear") == 1
    assert set(ran) <= {"Transpose", "Flatten"}


@pytest.mark.parametrize("name", ["reference", "block"])
def test_same_input_same_bytes(name: str) -> None:
    specs, model, int8 = GRAPHS[name], fp32_file(name), int8_file(name)
    assert quantize(model, images(specs)) == int8
    assert quantize(model, 2 * images(specs)) != int8
    onnx.checker.check_model(int8, full_check=True)
    constants = [numpy_helper.to_array(tensor) for tensor in onnx.load_from_string(int8).graph.initializer]
    shareable = [array for array in constants if array.dtype != np.int8]
    assert len({(array.dtype.str, array.shape, array.tobytes()) for array in shareable}) == len(shareable)


def test_equal_biases_may_be_one_constant(network: Network, tmp_path: Path) -> None:
    fresh = Network(network.specs)  # every folded bias is zero
    int8 = quantize(write(fresh.specs, fresh.folded()), images(GRAPHS["reference"]))
    assert kernels(int8, tmp_path)["QLinearConv"] == sum(len(spec.convs) for spec in fresh.specs)


def test_int8_is_near_fp32_at_any_batch_size_and_a_third_of_the_size(model: bytes) -> None:
    inputs = images(GRAPHS["reference"], 100)
    int8 = quantize(model, inputs)
    fp32 = file_logits(model, inputs)
    noise = file_logits(int8, inputs, batch=7) - fp32
    assert sqnr(fp32, fp32 + noise) > 20
    assert np.abs(noise).max() > 0
    assert len(model) >= 3 * len(int8)


@pytest.mark.parametrize("name", ["block", "pair"])
def test_quantization_is_silent(name: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    quantize(fp32_file(name), images(GRAPHS[name]))
    assert not caplog.records
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("method", METHODS)
def test_ranges_are_found_once_for_many_files(model: bytes, method: str) -> None:
    inputs = images(GRAPHS["reference"], 70)  # the last batch is smaller
    ranges = activation_ranges(model, inputs, method)
    int8 = quantize(model, inputs, method)
    assert quantize_within(model, ranges) == int8
    assert sqnr(file_logits(model, inputs), file_logits(int8, inputs)) > 15
    extremes = activation_ranges(model, inputs)
    assert set(ranges) == set(extremes)
    width = {name: extremes[name][1] - extremes[name][0] for name in extremes}
    assert all(high - low <= width[name] * 1.02 for name, (low, high) in ranges.items())


def test_an_unknown_method_is_refused(model: bytes) -> None:
    with pytest.raises(LutraError, match="calibration method"):
        quantize(model, images(GRAPHS["reference"]), "guess")
