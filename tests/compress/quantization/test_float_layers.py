"""Tests INT8 files in which some layers stay in float."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from compress.files.compact import compact
from compress.files.parity import file_logits
from compress.host_sessions import host_session
from compress.layers import layers_of, nodes_of
from compress.quantization.calibration import Ranges, activation_ranges
from compress.quantization.quantize import quantize_within
from search_spaces.errors import LutraError
from tests.integer_kernels import kernels
from tests.networks import REFERENCE, images

INPUTS = images(REFERENCE)


@pytest.mark.parametrize("layers", [(0,), (2,), (1, 3), (5,)])
def test_layers_stay_in_float(model: bytes, ranges: Ranges, layers: tuple[int, ...], tmp_path: Path) -> None:
    ran = kernels(quantize_within(model, ranges, layers), tmp_path)
    assert ran["QLinearConv"] == sum(len(spec.convs) for layer, spec in enumerate(REFERENCE) if layer not in layers)
    assert (ran["QGemm"] == 0) == (len(REFERENCE) - 1 in layers)


def test_everything_in_float_is_the_fp32_network(model: bytes, ranges: Ranges) -> None:
    whole = quantize_within(model, ranges, range(len(REFERENCE)))
    np.testing.assert_array_equal(file_logits(whole, INPUTS), file_logits(model, INPUTS))


def test_no_layer_of_that_number(model: bytes, ranges: Ranges) -> None:
    with pytest.raises(LutraError, match="layer 77"):
        quantize_within(model, ranges, [77])
    assert not nodes_of(model, [77])


def test_layers_of_a_foreign_file_are_its_convolutions(model: bytes, ranges: Ranges, tmp_path: Path) -> None:
    """A compact file has lost its layers' names, as files of other programs have."""
    foreign = compact(model)
    found = activation_ranges(foreign, INPUTS)
    convs = sum(len(spec.convs) for spec in REFERENCE)
    assert layers_of(foreign) == list(range(convs + 1))  # and the classifier
    whole = quantize_within(foreign, found, layers_of(foreign))
    np.testing.assert_array_equal(file_logits(whole, INPUTS), file_logits(model, INPUTS))
    rounded = [file_logits(quantize_within(*one), INPUTS) for one in ((foreign, found), (model, ranges))]
    np.testing.assert_array_equal(*rounded)
    mixed = quantize_within(foreign, found, [0, 3])  # onnxruntime rounds a lone float layer between integers
    assert kernels(mixed, tmp_path)["QLinearConv"] == convs - 1


def test_a_float_layer_answers_as_in_fp32_and_is_rounded_once(model: bytes, ranges: Ranges, tmp_path: Path) -> None:
    mixed = quantize_within(model, ranges, [0])
    graph = onnx.load_from_string(mixed).graph
    first = next(node.output[0] for node in graph.node if node.op_type == "Clip")
    np.testing.assert_array_equal(tensor(mixed, first, INPUTS), tensor(model, "l0.c0.relu6", INPUTS))
    ran = kernels(mixed, tmp_path)
    assert (ran["Conv"], ran["QuantizeLinear"], ran["DequantizeLinear"]) == (1, 1, 1)  # that one before the output


def tensor(model: bytes, name: str, inputs: np.ndarray) -> np.ndarray:
    """Returns a tensor of the file that is not one of its outputs."""
    proto = onnx.load_from_string(model)
    proto.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    return np.asarray(host_session(proto.SerializeToString()).run([name], {"image": inputs})[0])
