"""Tests every kind of layer in files: ONNX, INT8, LiteRT; and with simulated INT8 rounding."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import onnx
import pytest
from ai_edge_litert import schema_py_generated as schema
from onnx import numpy_helper

from compress.files.parity import file_logits
from compress.files.source import Source
from compress.quantization.calibration import Ranges, activation_ranges
from compress.quantization.qat import QuantizationAware
from compress.quantization.quantize import quantize, quantize_within
from compress.quantization.saturation import products, saturation
from compress.quantization.sensitivity import sqnr
from compress.runtimes import RUNTIMES
from predictors.timing.blocks import contexts, in_context
from search_spaces.layers import Spec
from search_spaces.networks.evaluation import calibrate, predict
from search_spaces.networks.onnx_writer import random_weights, write
from tests.integer_kernels import kernels
from tests.search_spaces.layers.examples import every_kind, images, options, trained


@cache
def source_of(spec: Spec) -> Source:
    return Source.of(trained(spec))


@cache
def pixels(spec: Spec) -> np.ndarray:
    return images(spec, 64).numpy()


@cache
def ranges_of(spec: Spec) -> Ranges:
    return activation_ranges(source_of(spec).onnx, pixels(spec))


@cache
def floats_of(spec: Spec) -> np.ndarray:
    """The logits of the fp32 file."""
    return file_logits(source_of(spec).onnx, pixels(spec))


@cache
def rounded(spec: Spec, runtime: str) -> bytes:
    """The INT8 file of a trained network."""
    return RUNTIMES[runtime].int8(source_of(spec), ranges_of(spec))


@cache
def simulated(spec: Spec, kept: tuple[int, ...], reduce_range: bool = False) -> tuple[QuantizationAware, bytes, bytes]:
    """The network with simulated rounding, calibrated, and its fp32 and INT8 files."""
    network = trained(spec)
    aware = calibrate(QuantizationAware(network, float_layers=kept, reduce_range=reduce_range), images(spec, 64))
    fp32 = write(network.specs, network.folded())
    return aware, fp32, quantize_within(fp32, aware.ranges(), kept, reduce_range)


@every_kind
def test_onnxruntime_answers_as_torch(spec: Spec) -> None:
    for option in options(spec):
        network = trained(option)
        ours, model = predict(network, images(spec)).numpy(), write(network.specs, network.folded())
        onnx.checker.check_model(model, full_check=True)
        answer = RUNTIMES["onnxruntime"].session(model, 1)
        for count in (1, 5):
            theirs = answer(images(spec)[:count].numpy())
            assert np.abs(theirs - ours[:count]).max() <= 1e-4 * max(1, np.abs(ours).max())


@every_kind
def test_litert_answers_as_torch(spec: Spec) -> None:
    """The batch has one image, and several."""
    for option in options(spec):
        network = trained(option)
        source = Source.of(network)
        ours, file = predict(network, images(spec)).numpy(), RUNTIMES["litert"].fp32(source)
        assert file == RUNTIMES["litert"].fp32(source)
        for batch in (1, 5):
            theirs = file_logits(file, images(spec).numpy(), batch)
            assert np.abs(theirs - ours).max() <= 1e-4 * max(1, np.abs(ours).max())


@every_kind
@pytest.mark.parametrize("kept", [(), (1,)])
def test_both_runtimes_round_within_the_same_ranges(spec: Spec, kept: tuple[int, ...]) -> None:
    """Where their kernels round alike the logits are equal; elsewhere they differ by less than the rounding error."""
    source, ranges, floats = source_of(spec), ranges_of(spec), floats_of(spec)
    one, other = (file_logits(runtime.int8(source, ranges, kept), pixels(spec)) for runtime in RUNTIMES.values())
    assert np.abs(other - floats).mean() < 1.3 * np.abs(one - floats).mean()
    assert sqnr(one, other) > sqnr(one, floats) - 1


@every_kind
def test_litert_computes_in_integers_alone(spec: Spec) -> None:
    """Only the conversions of image and logits at both ends are in float."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(rounded(spec, "litert")))
    graph = model.subgraphs[0]
    computed = [graph.tensors[operator.outputs[0]].type for operator in graph.operators]
    assert computed == [schema.TensorType.INT8] * (len(computed) - 1) + [schema.TensorType.FLOAT32]
    stored = {tensor.type for tensor in graph.tensors if tensor.buffer}
    assert stored <= {schema.TensorType.INT8, schema.TensorType.INT32}


@every_kind
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_operators_that_compute_in_float_are_named(spec: Spec, runtime: str) -> None:
    """None but onnxruntime's hard sigmoids; with a layer in float, its convolutions too."""
    source, written = source_of(spec), RUNTIMES[runtime]
    islands = ["HardSigmoid"] * sum(conv.activation == "hard_sigmoid" for conv in spec.convs)
    assert written.float_operators(rounded(spec, runtime)) == (islands if runtime == "onnxruntime" else [])
    found = written.float_operators(written.int8(source, ranges_of(spec), (0,)))
    assert sum("conv" in kind.lower() for kind in found) == len(source.specs[0].convs)


@every_kind
@pytest.mark.parametrize(("kind", "decibels", "saved"), [("fp16", 50, 0.25), ("dynamic", 20, 0.4)])
def test_weights_of_fewer_bits(spec: Spec, kind: str, decibels: float, saved: float) -> None:
    x, source, litert = pixels(spec)[:16], source_of(spec), RUNTIMES["litert"]
    file, whole = getattr(litert, kind)(source), litert.fp32(source)
    assert sqnr(file_logits(whole, x), file_logits(file, x)) > decibels
    assert np.array_equal(file_logits(file, x), file_logits(file, x, 1))
    weights = 4 * sum(weight.size for layer in source.weights for weight, _ in layer)
    assert len(whole) - len(file) > saved * weights


@every_kind
def test_a_layer_alone_and_in_its_context_can_be_timed(spec: Spec) -> None:
    for specs in dict.fromkeys([(spec,), in_context(spec), *contexts(spec)]):
        first, model = specs[0], write(specs, random_weights(specs))
        x = np.zeros((2, first.in_channels, first.resolution, first.resolution), np.float32)
        assert file_logits(model, x).shape == (2, *specs[-1].out_shape)
        assert quantize(model, x + 1)


@every_kind
@pytest.mark.parametrize(("kept", "reduce_range"), [((), False), ((), True), ((1,), False)])
def test_fake_quantization_answers_as_the_int8_file(spec: Spec, kept: tuple[int, ...], reduce_range: bool) -> None:
    """They agree up to the rounding of ties: one or two steps of the output's 255."""
    if kept and len(spec.convs) == 1 and not spec.classifies:
        pytest.skip("onnxruntime rounds a lone float convolution between integer ones")
    aware, *files = simulated(spec, kept, reduce_range)
    ours, (floats, int8) = predict(aware, images(spec, 64)).numpy(), (file_logits(file, pixels(spec)) for file in files)
    step = (floats.max() - floats.min()) / 255
    assert np.abs(ours - int8).max() < 6 * step
    assert np.abs(ours - int8).mean() < step
    assert sqnr(ours, int8) > sqnr(ours, floats) + 3


@every_kind
@pytest.mark.parametrize("kept", [(), (1,), (0, 2)])
def test_the_file_rounds_in_the_learned_steps(spec: Spec, kept: tuple[int, ...]) -> None:
    aware, _, written = simulated(spec, tuple(layer for layer in kept if layer < len(trained(spec).specs)))
    if not kept:
        assert set(aware.ranges()) == set(ranges_of(spec)) - {"output"}
    file = onnx.load_from_string(written).graph
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in file.initializer}
    steps = {constants[node.input[1]].item() for node in file.node if node.op_type == "QuantizeLinear"}
    learned = {np.float32((high - low) / 255).item() for low, high in aware.ranges().values()}
    assert sorted(steps) == pytest.approx(sorted(learned))


@every_kind
def test_all_but_hard_sigmoids_runs_as_integer_kernels(spec: Spec, tmp_path: Path) -> None:
    """In the graph that onnxruntime makes of the file, which converts around each float node."""
    ran = kernels(rounded(spec, "onnxruntime"), tmp_path)
    islands = sum(conv.activation == "hard_sigmoid" for conv in spec.convs)
    assert ran["HardSigmoid"] == islands
    assert ran["QuantizeLinear"] == ran["DequantizeLinear"] == 1 + islands
    assert ran["QLinearConv"] == sum(len(one.convs) for one in source_of(spec).specs)
    moves = {"Transpose", "Reshape", "Flatten", "QuantizeLinear", "DequantizeLinear", "HardSigmoid", "QGemm"}
    assert not [op for op in ran if op not in moves and not op.startswith("QLinear")]


@every_kind
def test_products_with_weights_are_found_in_the_integer_file(spec: Spec) -> None:
    int8, specs = rounded(spec, "onnxruntime"), source_of(spec).specs
    expected = [
        layer for layer, one in enumerate(specs) for node in one.graph.weighted if not getattr(node, "depthwise", False)
    ]
    assert [product.layer for product in products(int8, specs)] == expected
    assert set(saturation(int8, specs, images(spec, 1).numpy())) == set(expected)
