"""Normalisation inside a LiteRT file: uint8 pixels [N, H, W, C] in, probabilities [N, classes] out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from predictors.agent.runtimes import litert

IMAGE, OUTPUT = "image", "output"


def with_pixels(file: bytes, scale: np.ndarray, shift: np.ndarray) -> bytes:
    """A file of the same network whose first operators normalise and whose last one is softmax.

    Pixels are divided by `scale` [C], then `shift` [C] is subtracted, as `Images` does. Equal inputs give equal bytes.
    """
    model = litert.parsed(file)
    graph = model.subgraphs[0]
    normalised, logits = int(graph.inputs[0]), int(graph.outputs[0])
    pixels, floats, scaled = (
        _tensor(graph, normalised, name, kind)
        for name, kind in ((IMAGE, "UINT8"), (f"{IMAGE}.float", "FLOAT32"), (f"{IMAGE}.scaled", "FLOAT32"))
    )
    divisor, subtrahend = _constant(model, f"{IMAGE}.scale", scale), _constant(model, f"{IMAGE}.shift", shift)
    probabilities = _tensor(graph, logits, OUTPUT, "FLOAT32")
    graph.tensors[normalised].name = f"{IMAGE}.normalised".encode()
    graph.tensors[logits].name = f"{OUTPUT}.logits".encode()
    types = {"inDataType": schema.TensorType.UINT8, "outDataType": schema.TensorType.FLOAT32}
    graph.operators = [
        _operator(model, "CAST", "Cast", [pixels], floats, **types),
        _operator(model, "DIV", "Div", [floats, divisor], scaled),
        _operator(model, "SUB", "Sub", [scaled, subtrahend], normalised),
        *graph.operators,
        _operator(model, "SOFTMAX", "Softmax", [logits], probabilities, beta=1.0),
    ]
    graph.inputs, graph.outputs = [pixels], [probabilities]
    for signature in model.signatureDefs:
        signature.inputs[0].tensorIndex, signature.outputs[0].tensorIndex = pixels, probabilities
    builder = flatbuffers.Builder(0)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def takes_pixels(file: bytes) -> bool:
    graph = litert.parsed(file).subgraphs[0]
    return bool(graph.tensors[int(graph.inputs[0])].type == schema.TensorType.UINT8)


def _tensor(graph: Any, like: int, name: str, kind: str) -> int:
    """The number of a new tensor, of the shape of another one."""
    made, other = schema.TensorT(), graph.tensors[like]
    made.name, made.type, made.buffer = name.encode(), getattr(schema.TensorType, kind), 0
    made.shape, made.shapeSignature = other.shape, other.shapeSignature
    graph.tensors.append(made)
    return len(graph.tensors) - 1


def _constant(model: Any, name: str, values: np.ndarray) -> int:
    """The number of a new constant, float32 [C]."""
    buffer, made = schema.BufferT(), schema.TensorT()
    buffer.data = np.frombuffer(np.ascontiguousarray(values, np.float32).tobytes(), np.uint8)
    model.buffers.append(buffer)
    made.name, made.type, made.shape = name.encode(), schema.TensorType.FLOAT32, list(values.shape)
    made.buffer = len(model.buffers) - 1
    model.subgraphs[0].tensors.append(made)
    return len(model.subgraphs[0].tensors) - 1


def _operator(model: Any, name: str, kind: str, inputs: Sequence[int], output: int, **options: Any) -> Any:
    made = schema.OperatorT()
    made.opcodeIndex, made.inputs, made.outputs = _code(model, name), list(inputs), [output]
    made.builtinOptionsType = getattr(schema.BuiltinOptions, f"{kind}Options")
    made.builtinOptions = getattr(schema, f"{kind}OptionsT")()
    for key, chosen in options.items():
        setattr(made.builtinOptions, key, chosen)
    return made


def _code(model: Any, name: str) -> int:
    """The number of an operator's kind, which is added if the file has none of it."""
    wanted = getattr(schema.BuiltinOperator, name)
    for number, known in enumerate(model.operatorCodes):
        if known.builtinCode == wanted:
            return number
    code = schema.OperatorCodeT()
    code.builtinCode, code.deprecatedBuiltinCode, code.version = wanted, min(wanted, 127), 1
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1
