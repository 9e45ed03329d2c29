"""Tests that zeros last through folding and INT8, and make files smaller."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from compress.files.size import compressed_bytes, zeros
from compress.quantization.quantize import quantize
from compress.weights.sparsify import layers_to_prune, sparsify
from search_spaces.networks.evaluation import calibrate
from search_spaces.networks.network import Network
from search_spaces.networks.onnx_writer import write
from tests.networks import batch, nonzero


def test_zeros_survive_folding_and_int8(network: Network) -> None:
    sparse = calibrate(sparsify(nonzero(network), 0.6), batch(0, 64)[0])
    model = write(sparse.specs, sparse.folded())
    int8 = quantize(model, batch(0, 64)[0].numpy())
    deployed = weights_by_shape(model)
    rounded = weights_by_shape(int8)
    assert len(deployed) == len(rounded)
    for weight, integers in zip(deployed, rounded):
        assert integers.dtype == np.int8
        assert weight.shape == integers.shape
        assert (integers[weight == 0] == 0).all()
    assert zero_points(int8) == {0}
    cut = sum(layer.weight.numel() for layer in layers_to_prune(sparse))
    every = sum(p.numel() for p in sparse.parameters() if p.ndim > 1)
    assert zeros(model) == pytest.approx(0.6 * cut / every, abs=1e-3)
    assert zeros(int8) >= zeros(model)


def weights_by_shape(model: bytes) -> list[np.ndarray]:
    """Returns the weights of convolutions and linear layers, in the graph's order."""
    graph = onnx.load_from_string(model).graph
    tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    inputs = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "DequantizeLinear"}
    names = [node.input[1] for node in graph.node if node.op_type in ("Conv", "Gemm")]
    return [tensors[inputs.get(name, name)] for name in names]


def zero_points(model: bytes) -> set[int]:
    """Returns the zero points of the weights."""
    graph = onnx.load_from_string(model).graph
    tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    read = [node.input for node in graph.node if node.op_type == "DequantizeLinear" and node.input[0] in tensors]
    return {int(point) for names in read if len(names) > 2 for point in np.unique(tensors[names[2]])}


def test_sparse_files_are_smaller_in_an_archive(network: Network) -> None:
    images = batch(0, 64)[0]
    files = []
    for fraction in (0, 0.5, 0.75):
        sparse = calibrate(sparsify(network, fraction), images)
        model = write(sparse.specs, sparse.folded())
        files.append((model, quantize(model, images.numpy())))
    for kind in zip(*files):
        sizes = [compressed_bytes(file) for file in kind]
        assert sizes == sorted(sizes, reverse=True)
        assert len(set(sizes)) == 3
        assert sizes == [compressed_bytes(file) for file in kind]
