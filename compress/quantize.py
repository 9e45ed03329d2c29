"""Static INT8 through onnxruntime, and the file that comes out of it made small.

QDQ, unsigned activations, signed weights per channel: every convolution, sum, pooling and the classifier then run as
integer kernels on x86 and aarch64 alike. On an x86 CPU without VNNI a product of such pairs may saturate, and the
accuracy measured there may be below the board's.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.quant_utils import add_pre_process_metadata

BATCH = 50  # images at a time
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


class _Images(CalibrationDataReader):
    """Calibration images [N, C, H, W] in batches, as onnxruntime wants to be fed."""

    def __init__(self, images: np.ndarray) -> None:
        self.batches: Iterator[np.ndarray] = iter([images[i : i + BATCH] for i in range(0, len(images), BATCH)])

    def get_next(self) -> dict[str, np.ndarray] | None:
        batch = next(self.batches, None)
        return None if batch is None else {"image": batch}


def quantize(model: bytes, calibration: np.ndarray) -> bytes:
    """The INT8 file of a network's or a block's fp32 file; ranges are the extremes seen on `calibration`.

    `calibration` [N, C, H, W] float32, normalised. The same input gives the same bytes.
    """
    proto = onnx.load_from_string(model)
    add_pre_process_metadata(proto)  # the writer has folded the batch norms: nothing is left to pre-process
    with tempfile.TemporaryDirectory() as folder:
        fp32, int8 = Path(folder, "fp32.onnx"), Path(folder, "int8.onnx")
        onnx.save(proto, fp32)
        quantize_static(
            fp32,  # a path, since it alters a ModelProto
            int8,
            _Images(calibration),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
            calibrate_method=CalibrationMethod.MinMax,
        )
        return compact(int8.read_bytes())


def compact(model: bytes) -> bytes:
    """A smaller QDQ file with the same outputs bit for bit; it matters where layers have few weights a channel.

    Biases return to float32, one number a channel instead of three (int32, scale, zero point): onnxruntime rounds them
    to the same int32 when it loads the file. Equal constants are shared; names are short; annotations go.
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
    """Adds nodes without names and the constants that they read, each once, under short names."""
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
                if key not in shared:
                    shared[key] = short[name]
                    graph.initializer.append(numpy_helper.from_array(array, short[name]))
                short[name] = shared[key]
        copy = graph.node.add(op_type=node.op_type, attribute=node.attribute)
        copy.input.extend(short[name] for name in node.input)
        copy.output.extend(short[name] for name in node.output)


def _base36(number: int) -> str:
    return (_base36(number // 36) if number >= 36 else "") + DIGITS[number % 36]
