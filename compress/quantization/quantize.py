"""Static INT8 through onnxruntime, all of a network or but some layers.

QDQ, unsigned activations, signed weights per channel: every convolution, sum, pooling and the classifier then run as
integer kernels on x86 and aarch64 alike. On an x86 CPU without VNNI a product of such pairs may saturate, and the
accuracy measured there may be below the board's: `saturation` tells, `reduce_range` prevents it.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import onnx
from onnxruntime.quantization import QDQQuantizer, QuantType
from onnxruntime.quantization.registry import QDQRegistry, QLinearOpsRegistry

from compress.files.compact import compact
from compress.layers import WEIGHTED, nodes_of
from compress.quantization.calibration import Ranges, activation_ranges, tensors_data
from search_spaces.errors import LutraError


def quantize(
    model: bytes,
    calibration: np.ndarray,
    method: str = "minmax",
    float_layers: Collection[int] = (),
    reduce_range: bool = False,
) -> bytes:
    """The INT8 file of a network's or a block's fp32 file, with the ranges that `method` finds on `calibration`.

    `calibration` [N, C, H, W] float32, normalised. The layers `float_layers`, as `compress.layers` counts them, stay in
    float32. `reduce_range`: weights of 7 bits. The same input gives the same bytes.
    """
    return quantize_within(model, activation_ranges(model, calibration, method), float_layers, reduce_range)


def quantize_within(
    model: bytes, ranges: Ranges, float_layers: Collection[int] = (), reduce_range: bool = False
) -> bytes:
    """The INT8 file with given ranges of its activations: found once for many files, or learned.

    Raises LutraError where a layer to stay in float is none of the file's.
    """
    return quantized(model, ranges, float_layers, reduce_range)[0]


def quantized(
    model: bytes, ranges: Ranges, float_layers: Collection[int], reduce_range: bool
) -> tuple[bytes, list[str]]:
    """The INT8 file, and what `model` calls the outputs of its convolutions and linear layers, in their order."""
    graph = onnx.shape_inference.infer_shapes(onnx.load_from_string(model))
    for node in graph.graph.node:
        node.name = node.output[0]  # a foreign file's nodes have no names to be left out by
    for layer in float_layers:
        if not nodes_of(model, [layer]):
            raise LutraError(f"layer {layer} should stay in float, and the file has none of that number that computes")
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
        extra_options={},
    )
    quantizer.quantize_model()
    quantizer.model.topological_sort()
    whole = quantizer.model.model
    return compact(whole.SerializeToString()), [node.name for node in whole.graph.node if node.op_type in WEIGHTED]
