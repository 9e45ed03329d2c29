"""Writes specs and folded weights as ONNX. The only ONNX writer, so the timed graph is also the deployed one.

The batch size is dynamic. Nodes are named after their layer: l0.c0, l0.c0.relu6, l0.add. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from search_spaces.layers import Spec
from search_spaces.layers.graph import Rules, walk
from search_spaces.layers.nodes import (
    Convolution,
    Flatten,
    Linear,
    MatMul,
    Node,
    Pool,
    Product,
    Reshape,
    Scale,
    Softmax,
    Sum,
    Transpose,
)

OPSET = 17  # per-channel QDQ needs 13; onnxruntime 1.14 and later read 17
IR_VERSION = 8
Folded = list[tuple[np.ndarray, np.ndarray]]  # (weight, bias) of each convolution and linear layer, in graph order


def random_weights(specs: Sequence[Spec], seed: int = 0) -> list[Folded]:
    """He-initialised weights and small biases, for timing a spec that was never trained."""
    rng = np.random.default_rng(seed)

    def draw(shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        scale = np.sqrt(2 / np.prod(shape[1:]))
        weight = (scale * rng.standard_normal(shape)).astype(np.float32)
        return weight, (0.1 * rng.standard_normal(shape[0])).astype(np.float32)

    return [[draw(node.weight_shape) for node in spec.graph.weighted] for spec in specs]


def write(specs: Sequence[Spec], weights: Sequence[Folded]) -> bytes:
    """The ONNX file of a sequence of layers: "image" [N, C, H, W] float32 -> "output" ([N, classes] after a head).

    Equal inputs give equal bytes.
    """
    file = _File()
    value = "image"
    for index, (spec, folded) in enumerate(zip(specs, weights, strict=True)):
        value = _LayerWriter(file, f"l{index}", spec, folded).write(value)
    first = next(spec for spec in specs if spec.convs)
    image: list[int | str] = ["N", first.in_channels, first.resolution, first.resolution]
    output: list[int | str] = ["N", *specs[-1].out_shape]
    file.node("Identity", [value], "output")
    model = helper.make_model(
        helper.make_graph(
            file.nodes,
            "lutra",
            [helper.make_tensor_value_info("image", TensorProto.FLOAT, image)],
            [helper.make_tensor_value_info("output", TensorProto.FLOAT, output)],
            list(file.initializers.values()),
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="lutra",
    )
    return model.SerializeToString(deterministic=True)


class _File:
    """The nodes and constants written so far."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: dict[str, onnx.TensorProto] = {}

    def node(self, op: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
        return output

    def constant(self, name: str, array: np.ndarray) -> str:
        """Adds a constant, once per name."""
        if name not in self.initializers:
            self.initializers[name] = numpy_helper.from_array(np.ascontiguousarray(array), name)
        return name


class _LayerWriter:
    """Writes a layer's nodes in the graph's order, named by the layer and the node's label."""

    def __init__(self, file: _File, layer: str, spec: Spec, folded: Folded) -> None:
        self.file, self.graph = file, spec.graph
        self.names = {name: f"{layer}.{label}" for name, label in spec.graph.labels.items()}
        self.weights = {node.name: pair for node, pair in zip(spec.graph.weighted, folded, strict=True)}

    def write(self, value: str) -> str:
        rules: Rules[str] = {
            Convolution: self._convolution,
            Linear: self._linear,
            Sum: self._plain("Add"),
            Product: self._plain("Mul"),
            Scale: self._scale,
            Pool: self._plain("GlobalAveragePool"),
            Flatten: self._plain("Flatten"),
            Reshape: self._reshape,
            Transpose: self._plain("Transpose", perm=[0, 1, 3, 2]),
            MatMul: self._plain("MatMul"),
            Softmax: self._plain("Softmax", axis=-1),
        }
        return walk(self.graph, rules, value, "the ONNX writer")

    def _plain(self, op: str, **attributes: Any) -> Any:
        def rule(node: Node, *values: str) -> str:
            return self.file.node(op, list(values), self.names[node.name], **attributes)

        return rule

    def _stored(self, node: Node) -> list[str]:
        """The names of a node's weight and bias."""
        name, (weight, bias) = self.names[node.name], self.weights[node.name]
        return [self.file.constant(f"{name}.weight", weight), self.file.constant(f"{name}.bias", bias)]

    def _convolution(self, node: Convolution, value: str) -> str:
        name = self.names[node.name]
        value = self.file.node(
            "Conv",
            [value, *self._stored(node)],
            name,
            kernel_shape=[node.kernel] * 2,
            strides=[node.stride] * 2,
            pads=[node.border] * 4,
            group=node.groups,
        )
        if node.activation == "relu6":
            bounds = [self.file.constant(bound, np.array(x, np.float32)) for bound, x in (("zero", 0), ("six", 6))]
            return self.file.node("Clip", [value, *bounds], f"{name}.relu6")
        if node.activation == "hard_sigmoid":
            return self.file.node("HardSigmoid", [value], f"{name}.hard_sigmoid", alpha=1 / 6, beta=0.5)
        return value

    def _linear(self, node: Linear, value: str) -> str:
        return self.file.node("Gemm", [value, *self._stored(node)], self.names[node.name], transB=1)

    def _scale(self, node: Scale, value: str) -> str:
        name = self.names[node.name]
        factor = self.file.constant(f"{name}.factor", np.array(node.factor, np.float32))
        return self.file.node("Mul", [value, factor], name)

    def _reshape(self, node: Reshape, value: str) -> str:
        name = self.names[node.name]
        shape = self.file.constant(f"{name}.shape", np.array([0, *node.shape]))  # 0 keeps the batch
        return self.file.node("Reshape", [value, shape], name)
