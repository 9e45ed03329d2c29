"""Tests the emulation of saturating sums against sums one by one, and the warning."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from compress.layers import layers_of
from compress.quantization.quantize import quantize
from compress.quantization.saturation import LARGEST, SMALLEST, Product, products, saturation, warning
from search_spaces.layers import Head, Pointwise, Stem
from search_spaces.networks.onnx_writer import random_weights, write
from tests.compress.random_files import fp32_file, int8_file
from tests.networks import GRAPHS, images


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
    specs, narrow = GRAPHS[name], int8_file(name, reduce_range=True)
    assert not any(product.may_saturate().any() for product in products(narrow, specs))
    assert not any(saturation(narrow, specs, images(specs, 2)).values())
    assert any(product.may_saturate().any() for product in products(int8_file(name), specs))


def test_float_layers_have_no_integer_products() -> None:
    specs, inputs = GRAPHS["reference"], images(GRAPHS["reference"], 2)
    everything = saturation(int8_file("reference"), specs, inputs)
    assert set(saturation(int8_file("reference", (1,)), specs, inputs)) == set(everything) - {1}
    assert not saturation(int8_file("reference", (*layers_of(fp32_file("reference")),)), specs, inputs)


def test_the_warning_names_layers() -> None:
    assert warning({0: 0.0, 3: 0.0}) == ""
    assert "layers 3 (0.12 %), 7 (1.5 %)" in warning({0: 0.0, 7: 0.015, 3: 0.0012})
