"""Writes specs and folded weights as a LiteRT flatbuffer, with the package's own schema and no converter.

Values are channels last, [N, H, W, C], as LiteRT's kernels require. ONNX pads k // 2 pixels on both sides; LiteRT's
SAME pads one more on the far side of an even map with stride 2, so a PAD is written there. The batch is 1 and can be
resized. Values have the same names as in the ONNX file (`onnx_writer`), so the ranges of one apply to the other. INT8
follows LiteRT's quantization specification: int8 activations with a zero point, int8 weights symmetric per channel,
int32 biases. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

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
from search_spaces.networks.litert_file import File, Ranges, Stored, Value
from search_spaces.networks.onnx_writer import Folded

SOFTMAX = (1 / 256, -128)  # scale and zero point of an INT8 softmax, by the specification


def write(
    specs: Sequence[Spec],
    weights: Sequence[Folded],
    ranges: Ranges | None = None,
    float_layers: Collection[int] = (),
    stored: Stored = "float32",
) -> bytes:
    """The file of a sequence of layers: image [1, H, W, C] float32 -> [1, classes] float32 after a head.

    With `ranges`, named as in the ONNX file, it computes in INT8 except for `float_layers`. `stored` is the type of the
    other layers' weights; int8 weights are multiplied with activations that LiteRT quantizes for each image. Equal
    inputs give equal bytes.
    """
    file = File(ranges, stored)
    first = next(spec for spec in specs if spec.convs)
    value = image = file.float_value("image", (1, first.resolution, first.resolution, first.in_channels))
    for index, (spec, folded) in enumerate(zip(specs, weights, strict=True)):
        integer = ranges is not None and index not in float_layers
        value = _LayerWriter(file, f"l{index}", spec, folded, integer).write(value)
    return file.finish(image, file.channels_last(file.as_float(value)))


class _LayerWriter:
    """Writes a layer's nodes in the graph's order, in INT8 if `integer`."""

    def __init__(self, file: File, layer: str, spec: Spec, folded: Folded, integer: bool) -> None:
        self.file, self.graph, self.integer = file, spec.graph, integer
        self.names = {name: f"{layer}.{label}" for name, label in spec.graph.labels.items()}
        self.weights = {node.name: pair for node, pair in zip(spec.graph.weighted, folded, strict=True)}

    def write(self, value: Value) -> Value:
        rules: Rules[Value] = {
            Convolution: self._convolution,
            Linear: self._linear,
            Sum: lambda node, *values: self._pairwise(node, "ADD", values),
            Product: lambda node, *values: self._pairwise(node, "MUL", values),
            Scale: self._scale,
            Pool: self._pool,
            Flatten: self._flatten,
            Reshape: self._reshape,
            Transpose: self._transpose,
            MatMul: self._matmul,
            Softmax: self._softmax,
        }
        return walk(self.graph, rules, value, "the LiteRT writer")

    def _in(self, value: Value) -> Value:
        """An input, converted to this layer's number format."""
        return self.file.as_int8(value) if self.integer else self.file.as_float(value)

    def _out(self, name: str, shape: Sequence[int], layout: Any = "last", quantized: Any = None) -> Value:
        chosen = (quantized or self.file.range_of(name)) if self.integer else None
        return self.file.value(name, shape, chosen, layout)

    def _convolution(self, node: Convolution, value: Value) -> Value:
        name, (weight, bias) = self.names[node.name], self.weights[node.name]
        value = self._in(self.file.channels_last(value))
        sigmoid = node.activation == "hard_sigmoid"  # relu6(x + 3) / 6
        order, axis = ((1, 2, 3, 0), 3) if node.depthwise else ((0, 2, 3, 1), 0)
        stored = self.file.weights(name, weight.transpose(order), bias + 3 * sigmoid, axis, value)
        value, padding = self._padded(node, value)
        pixels = -(-value.shape[1] // node.stride) if padding == "SAME" else _valid(value.shape[1], node)
        ending = f"{name}.{node.activation}" if node.activation == "relu6" else name
        output = self._out(
            ending, (1, pixels, pixels, node.out_channels), quantized=(6 / 255, -128) if sigmoid else None
        )
        operator = "DEPTHWISE_CONV_2D" if node.depthwise else "CONV_2D"
        options = {"depthMultiplier": 1} if node.depthwise else {}
        self.file.operator(
            operator,
            [value.tensor, *stored],
            output,
            padding=getattr(schema.Padding, padding),
            strideH=node.stride,
            strideW=node.stride,
            dilationHFactor=1,
            dilationWFactor=1,
            fusedActivationFunction=getattr(schema.ActivationFunctionType, "RELU6" if node.activation else "NONE"),
            **options,
        )
        return self._multiplied(output, f"{name}.hard_sigmoid", 1 / 6, (1 / 255, -128)) if sigmoid else output

    def _padded(self, node: Convolution, value: Value) -> tuple[Value, str]:
        """The padded value, and the padding that is left to the convolution."""
        if node.kernel % 2 == 0:
            return value, "VALID"
        if node.kernel == 1 or node.stride == 1 or value.shape[1] % node.stride:
            return value, "SAME"
        pad, name = node.border, self.names[node.name]
        amounts = self.file.constant(f"{name}.paddings", np.array([[0, 0], [pad, pad], [pad, pad], [0, 0]], np.int32))
        pixels = value.shape[1] + 2 * pad
        padded = self.file.value(f"{name}.padded", (1, pixels, pixels, value.shape[3]), value.quantized)
        return self.file.operator("PAD", [value.tensor, amounts], padded), "VALID"

    def _linear(self, node: Linear, value: Value) -> Value:
        name, value = self.names[node.name], self._in(value)
        stored = self.file.weights(name, *self.weights[node.name], 0, value)
        return self.file.operator(
            "FULLY_CONNECTED", [value.tensor, *stored], self._out(name, (1, node.out_features)), keepNumDims=False
        )

    def _pairwise(self, node: Node, operator: str, values: Sequence[Value]) -> Value:
        one, other = (self._in(value) for value in values)
        if one.layout != other.layout:
            one, other = self.file.channels_last(one), self.file.channels_last(other)
        shape = np.broadcast_shapes(one.shape, other.shape)
        return self.file.operator(
            operator, [one.tensor, other.tensor], self._out(self.names[node.name], shape, one.layout)
        )

    def _scale(self, node: Scale, value: Value) -> Value:
        return self._multiplied(self._in(value), self.names[node.name], node.factor)

    def _multiplied(self, value: Value, name: str, factor: float, quantized: Any = None) -> Value:
        """Multiplies by a constant, stored as the largest INT8 number at its own scale."""
        if value.quantized is None:
            index = self.file.constant(f"{name}.factor", np.array([factor], np.float32))
        else:
            index = self.file.constant(f"{name}.factor", np.array([127], np.int8), factor / 127)
        output = self._out(name, value.shape, value.layout, quantized)
        return self.file.operator("MUL", [value.tensor, index], output)

    def _pool(self, node: Pool, value: Value) -> Value:
        value = self._in(self.file.channels_last(value))
        axes = self.file.constant(f"{self.names[node.name]}.axes", np.array([1, 2], np.int32))
        output = self._out(self.names[node.name], (1, 1, 1, value.shape[3]))
        return self.file.operator("MEAN", [value.tensor, axes], output, keepDims=True)

    def _flatten(self, node: Flatten, value: Value) -> Value:
        value = self._in(self.file.channels_last(value))
        return self._reshaped(value, self.names[node.name], (value.shape[3],), "last")

    def _reshape(self, node: Reshape, value: Value) -> Value:
        return self._reshaped(self.file.channels_first(self._in(value)), self.names[node.name], node.shape, "first")

    def _reshaped(self, value: Value, name: str, shape: Sequence[int], layout: Any) -> Value:
        sizes = self.file.constant(f"{name}.shape", np.array([-1, *shape], np.int32))
        output = self.file.value(name, (1, *shape), value.quantized, layout)
        return self.file.operator("RESHAPE", [value.tensor, sizes], output, newShape=[-1, *shape])

    def _transpose(self, node: Transpose, value: Value) -> Value:
        value = self.file.channels_first(self._in(value))
        return self.file.transposed(value, (0, 1, 3, 2), self.names[node.name], "first")

    def _matmul(self, node: MatMul, one: Value, other: Value) -> Value:
        one, other = (self.file.channels_first(self._in(value)) for value in (one, other))
        output = self._out(self.names[node.name], (*one.shape[:3], other.shape[3]), "first")
        return self.file.operator("BATCH_MATMUL", [one.tensor, other.tensor], output)

    def _softmax(self, node: Softmax, value: Value) -> Value:
        value = self.file.channels_first(self._in(value))
        output = self._out(self.names[node.name], value.shape, value.layout, SOFTMAX)
        return self.file.operator("SOFTMAX", [value.tensor], output, beta=1.0)


def _valid(pixels: int, node: Convolution) -> int:
    return (pixels - node.kernel) // node.stride + 1
