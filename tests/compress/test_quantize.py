"""Tests the smaller files: INT8, fp16, dynamic; ranges, layers in float, saturation."""

from __future__ import annotations

import collections
from functools import cache, partial
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import numpy_helper
from torch import nn

from compress.files.compact import compact
from compress.files.parity import agreement, file_logits
from compress.layers import layers_of, nodes_of
from compress.quantization import quantize as quantization
from compress.quantization.calibration import METHODS, Ranges, activation_ranges
from compress.quantization.dynamic import dynamic
from compress.quantization.half import half
from compress.quantization.quantize import quantize, quantize_within
from compress.quantization.saturation import LARGEST, SMALLEST, Product, products, saturation, warning
from compress.quantization.sensitivity import Sensitivity, blame, float_layers, sensitivities, sqnr
from search_spaces.errors import LutraError
from search_spaces.layers import Head, MBConv, Pointwise, Spec, Stem
from search_spaces.networks.network import Network
from search_spaces.networks.onnx_writer import random_weights, write
from tests.networks import BARE, GRAPHS, images, lively


@pytest.fixture(scope="module")
def network() -> Network:
    return lively()


@pytest.fixture(scope="module")
def model(network: Network) -> bytes:
    return write(network.specs, network.folded())


# INT8


def kernels(model: bytes, folder: Path) -> collections.Counter[str]:
    """Returns the operators of the graph that onnxruntime runs on this CPU."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # it warns that an optimised file is for one machine
    options.optimized_model_filepath = str(folder / "optimized.onnx")
    onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return collections.Counter(node.op_type for node in onnx.load(options.optimized_model_filepath).graph.node)


@pytest.mark.parametrize("name", GRAPHS)
def test_everything_runs_as_integer_kernels(name: str, tmp_path: Path) -> None:
    specs = GRAPHS[name]
    ran = kernels(quantize(write(specs, random_weights(specs)), images(specs)), tmp_path)
    assert ran.pop("QLinearConv") == sum(len(spec.convs) for spec in specs)
    assert ran.pop("QLinearAdd", 0) == sum(isinstance(spec, MBConv) and spec.residual for spec in specs)
    assert ran.pop("QGemm", 0) == ran.pop("QLinearGlobalAveragePool", 0) == (name not in BARE)
    assert ran.pop("QuantizeLinear") == ran.pop("DequantizeLinear") == 1
    assert set(ran) <= {"Transpose", "Flatten"}


@pytest.mark.parametrize("name", ["reference", "block"])
def test_same_input_same_bytes(name: str) -> None:
    specs = GRAPHS[name]
    model = write(specs, random_weights(specs))
    int8 = quantize(model, images(specs))
    assert quantize(model, images(specs)) == int8
    assert quantize(model, 2 * images(specs)) != int8
    onnx.checker.check_model(int8, full_check=True)
    constants = [numpy_helper.to_array(tensor) for tensor in onnx.load_from_string(int8).graph.initializer]
    shareable = [array for array in constants if array.dtype != np.int8]
    assert len({(array.dtype.str, array.shape, array.tobytes()) for array in shareable}) == len(shareable)


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
    model = with_dead_channels(specs) if dead else write(specs, random_weights(specs))
    small = quantize(model, images(specs))
    monkeypatch.setattr(quantization, "compact", lambda model: model)
    large = quantize(model, images(specs))
    assert len(small) < 0.8 * len(large)
    assert np.array_equal(file_logits(small, images(specs, 40)), file_logits(large, images(specs, 40)))


@cache
def with_ranges(name: str) -> tuple[bytes, Ranges]:
    """Returns a network's file, and the ranges of its activations."""
    model = write(GRAPHS[name], random_weights(GRAPHS[name]))
    return model, activation_ranges(model, images(GRAPHS[name]), "minmax")


def precise_logits(model: bytes, inputs: np.ndarray) -> np.ndarray:
    """Runs a session that makes signed weights unsigned, as x86 CPUs without VNNI need for exact sums."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.add_session_config_entry("session.x64quantprecision", "1")
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"image": inputs})[0])


@pytest.mark.parametrize("name", GRAPHS)
@pytest.mark.parametrize("floats", [(), (1,)])
@pytest.mark.parametrize("reduce_range", [False, True])
def test_sessions_that_avoid_saturation_open_the_file(name: str, floats: tuple[int, ...], reduce_range: bool) -> None:
    specs, inputs = GRAPHS[name], images(GRAPHS[name], 4)
    if not specs[1].convs:
        floats = ()
    file = quantize_within(*with_ranges(name), floats, reduce_range)
    if reduce_range:  # no sum saturates on any CPU
        np.testing.assert_array_equal(precise_logits(file, inputs), file_logits(file, inputs))
    assert np.isfinite(precise_logits(file, inputs)).all()


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
def test_unshared_zero_points_cost_little(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    specs = GRAPHS[name]
    file = quantize(write(specs, random_weights(specs)), images(specs))
    weights = sum(weight.size for layer in random_weights(specs) for weight, _ in layer)
    channels = sum(len(bias) for layer in random_weights(specs) for _, bias in layer)
    tensors = len(onnx.load_from_string(file).graph.initializer)
    assert len(file) < weights + 9 * channels + 60 * tensors + 1500  # scale, bias, zero point


def test_equal_biases_may_be_one_constant(network: Network, tmp_path: Path) -> None:
    fresh = Network(network.specs)  # every folded bias is zero
    int8 = quantize(write(fresh.specs, fresh.folded()), images(GRAPHS["reference"]))
    assert kernels(int8, tmp_path)["QLinearConv"] == sum(len(spec.convs) for spec in fresh.specs)


def test_int8_is_near_fp32_at_any_batch_size_and_a_third_of_the_size(network: Network) -> None:
    model = write(network.specs, network.folded())
    inputs = images(GRAPHS["reference"], 100)
    int8 = quantize(model, inputs)
    fp32 = file_logits(model, inputs)
    noise = file_logits(int8, inputs, batch=7) - fp32
    assert sqnr(fp32, fp32 + noise) > 20
    assert np.abs(noise).max() > 0
    assert len(model) >= 3 * len(int8)


@pytest.mark.parametrize("name", ["block", "pair"])
def test_quantization_is_silent(name: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    specs = GRAPHS[name]
    quantize(write(specs, random_weights(specs)), images(specs))
    assert not caplog.records
    assert capfd.readouterr() == ("", "")


# ranges, and layers in float


@pytest.mark.parametrize("method", METHODS)
def test_ranges_are_found_once_for_many_files(model: bytes, method: str) -> None:
    inputs = images(GRAPHS["reference"], 70)  # the last batch is smaller
    ranges = activation_ranges(model, inputs, method)
    assert quantize_within(model, ranges) == quantize(model, inputs, method)
    assert sqnr(file_logits(model, inputs), file_logits(quantize_within(model, ranges), inputs)) > 15
    extremes = activation_ranges(model, inputs)
    assert set(ranges) == set(extremes)
    width = {name: extremes[name][1] - extremes[name][0] for name in extremes}
    assert all(high - low <= width[name] * 1.02 for name, (low, high) in ranges.items())


def test_an_unknown_method_is_refused(model: bytes) -> None:
    with pytest.raises(LutraError, match="calibration method"):
        quantize(model, images(GRAPHS["reference"]), "guess")


@pytest.mark.parametrize("layers", [(0,), (2,), (1, 3), (5,)])
def test_layers_stay_in_float(network: Network, model: bytes, layers: tuple[int, ...], tmp_path: Path) -> None:
    inputs = images(GRAPHS["reference"])
    ran = kernels(quantize(model, inputs, float_layers=layers), tmp_path)
    convs = sum(len(spec.convs) for layer, spec in enumerate(network.specs) if layer not in layers)
    assert ran["QLinearConv"] == convs
    assert (ran["QGemm"] == 0) == (len(network.specs) - 1 in layers)


def test_everything_in_float_is_the_fp32_network(network: Network, model: bytes) -> None:
    inputs = images(GRAPHS["reference"])
    whole = quantize(model, inputs, float_layers=range(len(network.specs)))
    np.testing.assert_array_equal(file_logits(whole, inputs), file_logits(model, inputs))


def test_no_layer_of_that_number(model: bytes) -> None:
    with pytest.raises(LutraError, match="layer 77"):
        quantize(model, images(GRAPHS["reference"]), float_layers=[77])
    assert not nodes_of(model, [77])


def test_layers_of_a_foreign_file_are_its_convolutions(network: Network, model: bytes, tmp_path: Path) -> None:
    """A compact file has lost its layers' names, as files of other programs have."""
    foreign, inputs = compact(model), images(GRAPHS["reference"])
    convs = sum(len(spec.convs) for spec in network.specs)
    assert layers_of(foreign) == list(range(convs + 1))  # and the classifier
    whole = quantize(foreign, inputs, float_layers=layers_of(foreign))
    np.testing.assert_array_equal(file_logits(whole, inputs), file_logits(model, inputs))
    np.testing.assert_array_equal(
        file_logits(quantize(foreign, inputs), inputs), file_logits(quantize(model, inputs), inputs)
    )
    mixed = quantize(foreign, inputs, float_layers=[0, 3])  # onnxruntime rounds a lone float layer between integers
    assert kernels(mixed, tmp_path)["QLinearConv"] == convs - 1


def test_a_float_layer_answers_as_in_fp32_and_is_rounded_once(model: bytes, tmp_path: Path) -> None:
    inputs = images(GRAPHS["reference"])
    mixed = quantize(model, inputs, float_layers=[0])
    graph = onnx.load_from_string(mixed).graph
    first = next(node.output[0] for node in graph.node if node.op_type == "Clip")
    np.testing.assert_array_equal(tensor(mixed, first, inputs), tensor(model, "l0.c0.relu6", inputs))
    ran = kernels(mixed, tmp_path)
    assert (ran["Conv"], ran["QuantizeLinear"], ran["DequantizeLinear"]) == (1, 1, 1)  # that one before the output


def tensor(model: bytes, name: str, inputs: np.ndarray) -> np.ndarray:
    """Returns a tensor of the file that is not one of its outputs."""
    proto = onnx.load_from_string(model)
    proto.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run([name], {"image": inputs})[0])


# fp16 and dynamic


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


# sensitivity


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


# saturation


def clipped(pairs: np.ndarray, columns: np.ndarray) -> float:
    """Returns the share of pair sums that saturate at 16 bits, computed one by one."""
    sums = [int(a[0]) * int(w[0]) + int(a[1]) * int(w[1]) for row in columns for out in pairs for a, w in zip(row, out)]
    return sum(value > LARGEST or value < SMALLEST for value in sums) / len(sums)


def test_saturation_is_that_of_every_pair() -> None:
    specs = (Stem(3, 8, 2, 5), Pointwise(8, 7, 1, 3), Head(7, 9, 3, 3))
    weights = random_weights(specs)
    for weight, _ in (pair for layer in weights for pair in layer):
        weight[:] = np.sign(weight) * 0.3 + 0.1 * weight
    inputs = 3 + images(specs, 2)
    model = quantize(write(specs, weights), inputs)
    found = saturation(model, specs, inputs)
    assert set(found) == {0, 1, 2}
    assert found[0] > 0
    graph = onnx.load_from_string(model)
    for product in products(model, specs):
        graph.graph.output.append(onnx.helper.make_tensor_value_info(product.activation, onnx.TensorProto.UINT8, None))
    values = dict(
        zip(
            [output.name for output in graph.graph.output],
            onnxruntime.InferenceSession(graph.SerializeToString()).run(None, {"image": inputs}),
        )
    )
    shares: dict[int, float] = {}
    for product in products(model, specs):
        columns = product.columns(values[product.activation])
        assert np.array_equal(integers(product, columns), integers_of(product, values[product.activation]))
        share = clipped(product.pairs, columns)
        shares[product.layer] = max(share, shares.get(product.layer, 0))
    assert found == pytest.approx(shares)


def integers(product: Product, columns: np.ndarray) -> np.ndarray:
    """Returns the product of matrices from its pairs: [rows, outputs]."""
    return np.einsum("rkp,okp->ro", columns, product.pairs)


def integers_of(product: Product, activation: np.ndarray) -> np.ndarray:
    """Returns the same from torch's convolution of the integers."""
    weights, values = torch.tensor(product.weights).double(), torch.from_numpy(activation).double()
    if weights.ndim == 2:
        return (values @ weights.T).numpy()
    border = weights.shape[-1] // 2
    padded = nn.functional.pad(values, (border,) * 4, value=product.border)
    output = nn.functional.conv2d(padded, weights, None, product.stride)
    return output.permute(0, 2, 3, 1).reshape(-1, len(weights)).numpy()


@pytest.mark.parametrize("name", ["reference", "macro"])
def test_seven_bits_cannot_saturate(name: str) -> None:
    specs = GRAPHS[name]
    fp32, inputs = write(specs, random_weights(specs)), images(specs)
    narrow = quantize(fp32, inputs, reduce_range=True)
    assert not any(product.may_saturate().any() for product in products(narrow, specs))
    assert not any(saturation(narrow, specs, inputs[:2]).values())
    assert any(product.may_saturate().any() for product in products(quantize(fp32, inputs), specs))


def test_float_layers_have_no_integer_products() -> None:
    specs = GRAPHS["reference"]
    fp32, inputs = write(specs, random_weights(specs)), images(specs)
    everything = saturation(quantize(fp32, inputs), specs, inputs[:2])
    assert set(saturation(quantize(fp32, inputs, float_layers=[1]), specs, inputs[:2])) == set(everything) - {1}
    assert not saturation(quantize(fp32, inputs, float_layers=layers_of(fp32)), specs, inputs[:2])


def test_the_warning_names_layers() -> None:
    assert warning({0: 0.0, 3: 0.0}) == ""
    assert "layers 3 (0.12 %), 7 (1.5 %)" in warning({0: 0.0, 7: 0.015, 3: 0.0012})
