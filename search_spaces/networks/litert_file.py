"""Builds a LiteRT flatbuffer with the package's own schema: tensors, operators, quantization.

Equal inputs give equal bytes. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

Stored = Literal["float32", "float16", "int8"]  # weights of layers that compute in float32
Ranges = Mapping[str, tuple[float, float]]  # tensor -> lowest and highest value
VERSION = 3  # of the flatbuffer's schema
LEAST = 1e-26  # lower bound on a channel's largest weight, because scales must be positive
MOST = 2**31 - 1  # largest bias
OPERATORS = {  # name -> (operator version needed here, options)
    "ADD": (2, "Add"),
    "BATCH_MATMUL": (2, "BatchMatMul"),
    "CONV_2D": (3, "Conv2D"),
    "DEPTHWISE_CONV_2D": (3, "DepthwiseConv2D"),
    "DEQUANTIZE": (2, "Dequantize"),
    "FULLY_CONNECTED": (4, "FullyConnected"),
    "MEAN": (2, "Reducer"),
    "MUL": (2, "Mul"),
    "PAD": (2, "Pad"),
    "QUANTIZE": (1, "Quantize"),
    "RESHAPE": (1, "Reshape"),
    "SOFTMAX": (2, "Softmax"),
    "TRANSPOSE": (2, "Transpose"),
}


@dataclass(frozen=True)
class Value:
    """A tensor of the file: the position of its channels, its shape in the file, and its quantization."""

    name: str  # as in the ONNX file
    tensor: int
    shape: tuple[int, ...]  # with a batch of 1
    quantized: tuple[float, int] | None = None  # scale and zero point; None: float32
    layout: Literal["last", "first"] = "last"


class File:
    """The tensors and operators written so far."""

    def __init__(self, ranges: Ranges | None, stored: Stored) -> None:
        self.ranges, self.stored = ranges or {}, stored
        self.tensors: list[Any] = []
        self.buffers = [schema.BufferT()]
        self.operators: list[Any] = []
        self.codes: dict[str, int] = {}
        self.converted: dict[tuple[int, str], Value] = {}  # (tensor, form) -> the same value in that form

    def tensor(self, name: str, shape: Sequence[int], kind: str, data: np.ndarray | None = None) -> Any:
        made = schema.TensorT()
        made.name, made.shape, made.type = name.encode(), list(shape), getattr(schema.TensorType, kind)
        made.buffer = 0
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)
            self.buffers.append(buffer)
            made.buffer = len(self.buffers) - 1
        else:
            made.shapeSignature = [-1, *shape[1:]]
        self.tensors.append(made)
        return made

    def constant(self, name: str, array: np.ndarray, scales: Any = None, axis: int = 0, zero: int = 0) -> int:
        """A tensor of the array's type; int8 and int32 have scales."""
        made = self.tensor(name, array.shape, array.dtype.name.upper(), array)
        if scales is not None:
            made.quantization = _quantization(np.atleast_1d(scales), zero, axis)
        return len(self.tensors) - 1

    def value(
        self, name: str, shape: Sequence[int], quantized: tuple[float, int] | None, layout: Any = "last"
    ) -> Value:
        made = self.tensor(name, shape, "FLOAT32" if quantized is None else "INT8")
        if quantized is not None:
            made.quantization = _quantization(np.array([quantized[0]]), quantized[1], 0)
        return Value(name, len(self.tensors) - 1, tuple(shape), quantized, layout)

    def weights(self, name: str, weight: np.ndarray, bias: np.ndarray, axis: int, met: Value) -> list[int]:
        """Weight and bias as constants, for the activations `met`; `axis` is that of the weight's output channels."""
        if met.quantized is None and self.stored != "int8":
            stored = self.constant(f"{name}.weight", weight.astype(self.stored))
            if self.stored == "float16":
                stored = self.operator("DEQUANTIZE", [stored], self.float_value(f"{name}.weight", weight.shape)).tensor
            return [stored, self.constant(f"{name}.bias", bias.astype(np.float32))]
        others = tuple(one for one in range(weight.ndim) if one != axis)
        scales = np.maximum(np.abs(weight).max(others, keepdims=True), LEAST) / 127
        rounded = np.clip(np.round(weight / scales), -127, 127).astype(np.int8)
        if met.quantized is None:
            stored = self.constant(f"{name}.weight", rounded, scales.ravel(), axis)
            return [stored, self.constant(f"{name}.bias", bias.astype(np.float32))]
        both = scales.ravel() * met.quantized[0]
        biases = np.clip(np.round(bias.astype(np.float64) / both), -MOST, MOST).astype(np.int32)
        stored = self.constant(f"{name}.weight", rounded, scales.ravel(), axis)
        return [stored, self.constant(f"{name}.bias", biases, both)]

    def float_value(self, name: str, shape: Sequence[int]) -> Value:
        return self.value(name, shape, None)

    def operator(self, name: str, inputs: Sequence[int], output: Value, **options: Any) -> Value:
        code = self.codes.setdefault(name, len(self.codes))
        made = schema.OperatorT()
        made.opcodeIndex, made.inputs, made.outputs = code, list(inputs), [output.tensor]
        kind = f"{OPERATORS[name][1]}Options"
        made.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
        made.builtinOptions = getattr(schema, f"{kind}T")()
        for key, chosen in options.items():
            setattr(made.builtinOptions, key, chosen)
        self.operators.append(made)
        return output

    def range_of(self, name: str) -> tuple[float, int]:
        """Scale and zero point of an activation: as in onnxruntime's unsigned integers, minus 128."""
        low, high = min(0.0, self.ranges[name][0]), max(0.0, self.ranges[name][1])
        scale = float(np.float32((high - low) / 255)) or 1.0
        return scale, int(np.clip(np.round(-low / scale), 0, 255)) - 128

    def as_int8(self, value: Value) -> Value:
        return value if value.quantized is not None else self._once(value, "int8", self._quantize)

    def _quantize(self, value: Value) -> Value:
        output = self.value(value.name, value.shape, self.range_of(value.name), value.layout)
        return self.operator("QUANTIZE", [value.tensor], output)

    def as_float(self, value: Value) -> Value:
        return value if value.quantized is None else self._once(value, "float", self._dequantize)

    def _dequantize(self, value: Value) -> Value:
        return self.operator("DEQUANTIZE", [value.tensor], self.value(value.name, value.shape, None, value.layout))

    def channels_last(self, value: Value) -> Value:
        """An image [N, C, H, W] as [N, H, W, C]."""
        return value if value.layout == "last" else self._once(value, "last", self._to_last)

    def channels_first(self, value: Value) -> Value:
        if value.layout == "first" or len(value.shape) < 4:
            return value
        return self._once(value, "first", self._to_first)

    def _to_last(self, value: Value) -> Value:
        return self.transposed(value, (0, 2, 3, 1), value.name, "last")

    def _to_first(self, value: Value) -> Value:
        return self.transposed(value, (0, 3, 1, 2), value.name, "first")

    def transposed(self, value: Value, order: Sequence[int], name: str, layout: Any) -> Value:
        axes = self.constant(f"{name}.axes", np.array(order, np.int32))
        output = self.value(name, [value.shape[axis] for axis in order], value.quantized, layout)
        return self.operator("TRANSPOSE", [value.tensor, axes], output)

    def _once(self, value: Value, form: str, convert: Any) -> Value:
        key = (value.tensor, form)
        if key not in self.converted:
            self.converted[key] = convert(value)
        return self.converted[key]

    def finish(self, image: Value, output: Value) -> bytes:
        graph = schema.SubGraphT()
        graph.name, graph.tensors, graph.operators = b"lutra", self.tensors, self.operators
        graph.inputs, graph.outputs = [image.tensor], [output.tensor]
        model = schema.ModelT()
        model.version, model.subgraphs, model.buffers, model.description = VERSION, [graph], self.buffers, b"lutra"
        model.operatorCodes, model.signatureDefs = [], [_signature(image, output)]
        for name in self.codes:
            code = schema.OperatorCodeT()
            code.builtinCode = getattr(schema.BuiltinOperator, name)
            code.deprecatedBuiltinCode, code.version = min(code.builtinCode, 127), OPERATORS[name][0]
            model.operatorCodes.append(code)
        builder = flatbuffers.Builder(0)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def _signature(image: Value, output: Value) -> Any:
    """Returns a signature that names the input and the output for programs."""
    made = schema.SignatureDefT()
    made.signatureKey, made.inputs, made.outputs = b"serving_default", [schema.TensorMapT()], [schema.TensorMapT()]
    for (named,), name, value in ((made.inputs, b"image", image), (made.outputs, b"output", output)):
        named.name, named.tensorIndex = name, value.tensor
    return made


def _quantization(scales: np.ndarray, zero: int, axis: int) -> Any:
    made = schema.QuantizationParametersT()
    made.scale, made.zeroPoint = scales.astype(np.float32), np.full(len(scales), zero, np.int64)
    made.quantizedDimension = axis
    return made
