"""Tests the costs of every kind of layer against counts by torch and of the file."""

from __future__ import annotations

import math

import onnx
import pytest
import torch
from onnx import numpy_helper
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from search_spaces.costs import kept_activations, macs, parameters, peak_activations, weight_bytes
from search_spaces.errors import LutraError
from search_spaces.layers import KINDS, Skip, Spec
from search_spaces.layers.nodes import MatMul
from search_spaces.networks.network import Network
from search_spaces.networks.onnx_writer import random_weights, write
from tests.search_spaces.layers.examples import COMPUTING, EXAMPLES, around, every_kind, example, images, options


def multiplied(network: Network, x: Tensor) -> int:
    """Returns the multiply-accumulates that torch counts at run time."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network.eval()(x)
    return counter.get_total_flops() // 2


@every_kind
def test_costs_are_what_is_counted(spec: Spec) -> None:
    for option in options(spec):
        network, specs = Network(around(option)), around(option)
        assert macs(specs) == multiplied(network, images(spec, 1))
        assert parameters(specs) == sum(parameter.numel() for parameter in network.parameters())
        tensors = onnx.load_from_string(write(specs, random_weights(specs))).graph.initializer
        stored = [numpy_helper.to_array(t) for t in tensors if t.name.endswith((".weight", ".bias"))]
        assert weight_bytes(specs, "fp32") == sum(array.nbytes for array in stored)
        weights, channels = (sum(a.size for a in stored if (a.ndim > 1) == many) for many in (True, False))
        assert weight_bytes(specs, "int8") == weights + 9 * channels
        convolved = sum(math.prod(one.shapes[conv.name]) for one in specs for conv in one.convs)
        assert kept_activations(specs) == convolved


@every_kind
def test_peak_activations_are_those_of_the_file(spec: Spec) -> None:
    """They are counted over the file's nodes; activation functions and reshapes work in place."""
    graph = onnx.shape_inference.infer_shapes(
        onnx.load_from_string(write((spec,), random_weights((spec,)))), data_prop=True
    ).graph
    dims = {v.name: v.type.tensor_type.shape.dim for v in (*graph.input, *graph.value_info, *graph.output)}
    sizes = {name: math.prod(d.dim_value for d in dim[1:]) for name, dim in dims.items()}
    home = {"image": "image"}  # value -> the value whose memory it shares
    for node in graph.node:
        in_place = node.op_type in ("Clip", "HardSigmoid", "Flatten", "Reshape", "Identity")
        home[node.output[0]] = home[node.input[0]] if in_place else node.output[0]
    nodes = [node for node in graph.node if home[node.output[0]] == node.output[0]]
    last = {home[name]: place for place, node in enumerate(graph.node) for name in node.input if name in home}
    order = {node.output[0]: place for place, node in enumerate(graph.node)}
    peak = 0
    for node in nodes:
        now = order[node.output[0]]
        alive = {value for value in {*home.values()} if order.get(value, -1) <= now <= last.get(value, now)}
        peak = max(peak, sum(sizes[value] for value in alive))
    assert peak_activations((spec,)) == peak
    assert peak_activations((Skip(3, 100), spec)) == max(peak, 30_000)


def test_attention_is_for_small_maps() -> None:
    with pytest.raises(LutraError, match="8 pixels"):
        example(KINDS["Attention"], resolution=9)
    assert any(isinstance(node, MatMul) for node in example(KINDS["Attention"], resolution=8).graph.nodes)


def test_examples_reach_both_ends_of_every_choice() -> None:
    """Every kind has an example, and its options differ in cost."""
    assert {type(spec).__name__ for spec in EXAMPLES} == set(KINDS)
    assert all(len({macs((one,)) for one in options(spec)}) > 1 for spec in COMPUTING if spec.elastic)
