"""Laws of bias correction."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from compress.files.compact import compact
from compress.files.parity import file_logits
from compress.layers import WEIGHTED, layers_of
from compress.quantization.bias_correction import means, quantize_corrected
from compress.quantization.calibration import activation_ranges
from compress.quantization.quantize import quantize_within
from compress.quantization.sensitivity import sqnr
from search_spaces.networks.onnx_writer import write
from tests.networks import GRAPHS, images, lively

IMAGES = images(GRAPHS["smallest"], 60)


@pytest.fixture(scope="module")
def model() -> bytes:
    network = lively(GRAPHS["smallest"], len(IMAGES))
    return write(network.specs, network.folded())


def products(model: bytes) -> list[str]:
    """Returns the outputs of convolutions and linear layers."""
    return [node.output[0] for node in onnx.load_from_string(model).graph.node if node.op_type in WEIGHTED]


def mean_errors(model: bytes, file: bytes) -> list[np.ndarray]:
    """Returns the mean error of each product's channels, where all layers before it run in INT8."""
    fp32 = means(model, products(model), IMAGES)
    int8 = [means(file, [name], IMAGES)[name] for name in products(file)]
    return [np.abs(a - b) for a, b in zip(fp32.values(), int8, strict=True)]


def steps(file: bytes) -> list[np.ndarray]:
    """Returns what each product's biases are multiples of: input scale times weight scales; 0 in float."""
    graph = onnx.load_from_string(file).graph
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    scales = {n.output[0]: constants[n.input[1]] for n in graph.node if n.op_type == "DequantizeLinear"}
    nodes = [node for node in graph.node if node.op_type in WEIGHTED]
    return [scales.get(n.input[0], np.zeros(())) * scales.get(n.input[1], np.zeros(())) for n in nodes]


@pytest.mark.parametrize("kept", [(), (0,)])
def test_means_on_the_images_are_off_by_half_a_step_of_the_bias_at_most(model: bytes, kept: tuple[int, ...]) -> None:
    ranges = activation_ranges(model, IMAGES)
    before = quantize_within(model, ranges, kept)
    after = quantize_corrected(model, ranges, IMAGES, kept)
    for errors, step in zip(mean_errors(model, after), steps(after), strict=True):
        assert (errors <= 0.51 * step + 1e-5).all()
    assert any((errors > 5 * step).any() for errors, step in zip(mean_errors(model, before), steps(before)))
    fp32 = file_logits(model, IMAGES)
    assert sqnr(fp32, file_logits(after, IMAGES)) > sqnr(fp32, file_logits(before, IMAGES))


def test_biases_alone_change(model: bytes) -> None:
    ranges = activation_ranges(model, IMAGES)
    before, after = (onnx.load_from_string(file).graph for file in (quantize_within(model, ranges), corrected(model)))
    assert [node.op_type for node in before.node] == [node.op_type for node in after.node]
    weights = [
        [numpy_helper.to_array(one).tobytes() for one in graph.initializer if len(one.dims) != 1]
        for graph in (before, after)
    ]
    assert weights[0] == weights[1]
    onnx.checker.check_model(onnx.load_from_string(corrected(model)), full_check=True)


def corrected(model: bytes) -> bytes:
    return quantize_corrected(model, activation_ranges(model, IMAGES), IMAGES)


def test_same_input_same_bytes_whatever_the_names(model: bytes) -> None:
    assert corrected(model) == corrected(model)
    np.testing.assert_array_equal(file_logits(corrected(compact(model)), IMAGES), file_logits(corrected(model), IMAGES))


def test_in_float_there_is_nothing_to_correct(model: bytes) -> None:
    whole = quantize_corrected(model, activation_ranges(model, IMAGES), IMAGES, layers_of(model))
    np.testing.assert_allclose(file_logits(whole, IMAGES), file_logits(model, IMAGES), rtol=1e-5, atol=1e-5)
