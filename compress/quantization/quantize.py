"""Static INT8 with onnxruntime, for all layers of a network or all but some.

QDQ, unsigned activations, signed weights per channel: all convolutions, sums, pooling and the classifier then run as
integer kernels on both x86 and aarch64. On an x86 CPU without VNNI, sums of such products may saturate, and the
accuracy measured there may be lower than on the board: `saturation` detects this, `reduce_range` prevents it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper
from onnxruntime.quantization import QDQQuantizer, QuantType
from onnxruntime.quantization.registry import QDQRegistry, QLinearOpsRegistry

from compress.files.compact import compact
from compress.layers import WEIGHTED, nodes_of
from compress.quantization.calibration import Ranges, activation_ranges, tensors_data
from search_spaces.errors import LutraError

WHOLE, REDUCED = 2 * 127, 2 * 64  # steps from the lowest to the highest weight of 8 bits, and of 7


def quantize(
    model: bytes,
    calibration: np.ndarray,
    method: str = "minmax",
    float_layers: Collection[int] = (),
    reduce_range: bool = False,
) -> bytes:
    """The INT8 file of a network's or block's fp32 file, with the ranges that `method` finds on `calibration`.

    `calibration` [N, C, H, W] float32 is normalised. The layers `float_layers`, numbered as in `compress.layers`, stay
    in float32. `reduce_range`: 7-bit weights. Equal inputs give equal bytes.
    """
    return quantize_within(model, activation_ranges(model, calibration, method), float_layers, reduce_range)


def quantize_within(
    model: bytes, ranges: Ranges, float_layers: Collection[int] = (), reduce_range: bool = False
) -> bytes:
    """The INT8 file with given activation ranges, which were learned, or computed once for many files.

    Raises LutraError if a layer of `float_layers` is not in the file.
    """
    return quantized(model, ranges, float_layers, reduce_range)[0]


def quantized(
    model: bytes, ranges: Ranges, float_layers: Collection[int], reduce_range: bool
) -> tuple[bytes, list[str]]:
    """The INT8 file, and the names in `model` of the outputs of its convolutions and linear layers, in order."""
    graph = onnx.shape_inference.infer_shapes(onnx.load_from_string(model))
    onnx.helper.set_model_props(graph, {"onnx.infer": "onnxruntime.quant"})  # else onnxruntime infers them once more
    for node in graph.graph.node:
        node.name = node.output[0]  # nodes of other exporters have no names, which excluding them needs
    for layer in float_layers:
        if not nodes_of(model, [layer]):
            raise LutraError(f"layer {layer} should stay in float, but no layer with this number computes anything")
    quantizer = QDQQuantizer(
        graph,
        per_channel=True,
        reduce_range=reduce_range,
        weight_qType=QuantType.QInt8,
        activation_qType=QuantType.QUInt8,
        tensors_range=tensors_data(ranges),
        nodes_to_quantize=[],
        nodes_to_exclude=nodes_of(model, float_layers),
        op_types_to_quantize=sorted({*QLinearOpsRegistry, *QDQRegistry}),
        extra_options={"TensorQuantOverrides": _scales(graph.graph, reduce_range)},
    )
    quantizer.quantize_model()
    quantizer.model.topological_sort()
    whole = quantizer.model.model
    return compact(whole.SerializeToString()), [node.name for node in whole.graph.node if node.op_type in WEIGHTED]


def _scales(graph: onnx.GraphProto, reduce_range: bool) -> dict[str, list[dict[str, Any]]]:
    """The scale of each output channel of each convolution: onnxruntime takes longer, because it asks one by one."""
    constants = {tensor.name: tensor for tensor in graph.initializer}
    found = {}
    for name in (node.input[1] for node in graph.node if node.op_type == "Conv"):
        if name in constants:
            weights = numpy_helper.to_array(constants[name])
            largest = np.abs(weights).reshape(len(weights), -1).max(1).astype(np.float64)
            scales = 2 * largest / (REDUCED if reduce_range else WHOLE)
            scales[scales < np.finfo(np.float32).tiny] = 1
            found[name] = [{"axis": 0, "scale": scale, "zero_point": 0} for scale in scales.astype(np.float32)]
    return found
