"""Makes a QDQ file smaller without changing its outputs."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import numpy_helper

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def compact(model: bytes) -> bytes:
    """A smaller QDQ file with bit-identical outputs; the gain is largest for layers with few weights per channel.

    Biases return to float32, one number per channel instead of three (int32, scale, zero point): onnxruntime rounds
    them to the same int32 when it loads the file. Equal constants are shared, except weights and signed bytes; names
    are short; annotations are removed. Every layer keeps its own signed bytes (weights and their zero points), because
    a session with `session.x64quantprecision` rewrites them layer by layer and fails if two layers share them.
    """
    proto = onnx.load_from_string(model)
    graph = proto.graph
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    nodes = []
    for node in graph.node:
        if node.op_type == "DequantizeLinear" and node.input[0] in constants:
            quantized, scale = constants[node.input[0]], constants[node.input[1]]
            if quantized.dtype == np.int32:
                constants[node.output[0]] = quantized.astype(np.float32) * scale
                continue
        nodes.append(node)
    smallest = onnx.helper.make_model(
        onnx.helper.make_graph([], "lutra", list(graph.input), list(graph.output)),
        opset_imports=[opset for opset in proto.opset_import if opset.domain == ""],
        ir_version=proto.ir_version,
        producer_name="lutra",
    )
    _fill(smallest.graph, nodes, constants)
    return smallest.SerializeToString(deterministic=True)


def _fill(graph: onnx.GraphProto, nodes: list[onnx.NodeProto], constants: dict[str, np.ndarray]) -> None:
    """Adds unnamed nodes and the constants that they read, with short names; shares equal constants where allowed."""
    short = {value.name: value.name for value in (*graph.input, *graph.output)}
    shared: dict[tuple[str, tuple[int, ...], bytes], str] = {}
    for node in nodes:
        for name in (*node.input, *node.output):
            if name in short:
                continue
            short[name] = _base36(len(short))
            if name in constants:
                array = constants[name]
                key = (array.dtype.str, array.shape, array.tobytes())
                if key not in shared or array.ndim > 1 or array.dtype == np.int8:
                    shared[key] = short[name]
                    graph.initializer.append(numpy_helper.from_array(array, short[name]))
                short[name] = shared[key]
        copy = graph.node.add(op_type=node.op_type, attribute=node.attribute)
        copy.input.extend(short[name] for name in node.input)
        copy.output.extend(short[name] for name in node.output)


def _base36(number: int) -> str:
    return (_base36(number // 36) if number >= 36 else "") + DIGITS[number % 36]
