"""From specs and folded weights to ONNX: the only writer, so that what is timed for the table is what is deployed.

The graph is Conv, Clip (ReLU6), Add, GlobalAveragePool, Flatten, Gemm; the batch size is free. No torch here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from search_spaces.spec import Conv, Head, Spec, residual

OPSET = 17  # per-channel QDQ needs 13; onnxruntime 1.14 and later read 17
IR_VERSION = 8
Folded = list[tuple[np.ndarray, np.ndarray]]  # one (weight, bias) per convolution; the head's last is the linear layer


def random_weights(specs: Sequence[Spec], seed: int = 0) -> list[Folded]:
    """He-initialised weights and small biases for timing a spec that was never trained."""
    rng = np.random.default_rng(seed)

    def draw(shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        scale = np.sqrt(2 / np.prod(shape[1:]))
        weight = (scale * rng.standard_normal(shape)).astype(np.float32)
        return weight, (0.1 * rng.standard_normal(shape[0])).astype(np.float32)

    return [
        [draw(conv.weight_shape) for conv in spec.convs]
        + ([draw((spec.classes, spec.hidden_channels))] if isinstance(spec, Head) else [])
        for spec in specs
    ]


def write(specs: Sequence[Spec], weights: Sequence[Folded]) -> bytes:
    """The ONNX file of layers in a row: "image" [N, C, H, W] float32 -> "output" ([N, classes] after a head).

    The same input gives the same bytes.
    """
    graph = _Graph()
    value = "image"
    for index, (spec, folded) in enumerate(zip(specs, weights, strict=True)):
        value = graph.layer(f"l{index}", spec, folded, value)
    computing = [spec for spec in specs if spec.convs]
    first, last = computing[0].convs[0], computing[-1]
    image: list[int | str] = ["N", first.in_channels, first.resolution, first.resolution]
    pixels = last.convs[-1].out_resolution
    output: list[int | str] = ["N", last.out_channels]
    if not isinstance(last, Head):
        output += [pixels, pixels]
    graph.node("Identity", [value], "output")
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "lutra",
            [helper.make_tensor_value_info("image", TensorProto.FLOAT, image)],
            [helper.make_tensor_value_info("output", TensorProto.FLOAT, output)],
            graph.initializers,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="lutra",
    )
    return model.SerializeToString(deterministic=True)


class _Graph:
    """The nodes and weights written so far."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []

    def node(self, op: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
        return output

    def weights(self, name: str, weight: np.ndarray, bias: np.ndarray) -> list[str]:
        self.initializers += [_constant(f"{name}.weight", weight), _constant(f"{name}.bias", bias)]
        return [f"{name}.weight", f"{name}.bias"]

    def conv(self, name: str, conv: Conv, folded: tuple[np.ndarray, np.ndarray], value: str) -> str:
        value = self.node(
            "Conv",
            [value, *self.weights(name, *folded)],
            name,
            kernel_shape=[conv.kernel] * 2,
            strides=[conv.stride] * 2,
            pads=[conv.kernel // 2] * 4,
            group=conv.groups,
        )
        return self.relu6(f"{name}.relu6", value) if conv.relu else value

    def relu6(self, name: str, value: str) -> str:
        if not any(tensor.name == "six" for tensor in self.initializers):
            self.initializers += [
                _constant("zero", np.zeros((), np.float32)),
                _constant("six", np.full((), 6, np.float32)),
            ]
        return self.node("Clip", [value, "zero", "six"], name)

    def layer(self, name: str, spec: Spec, folded: Folded, value: str) -> str:
        x = value
        for index, conv in enumerate(spec.convs):
            value = self.conv(f"{name}.c{index}", conv, folded[index], value)
        if residual(spec):
            return self.node("Add", [x, value], f"{name}.add")
        if isinstance(spec, Head):
            value = self.node("GlobalAveragePool", [value], f"{name}.pool")
            value = self.node("Flatten", [value], f"{name}.flat")
            return self.node("Gemm", [value, *self.weights(f"{name}.linear", *folded[-1])], f"{name}.linear", transB=1)
        return value


def _constant(name: str, array: np.ndarray) -> onnx.TensorProto:
    return numpy_helper.from_array(np.ascontiguousarray(array), name)
