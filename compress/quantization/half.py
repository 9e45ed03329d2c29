"""Weights and arithmetic of 16 bits where nothing else is to be risked: half the file, the same predictions."""

from __future__ import annotations

import onnx
from onnxruntime.quantization.onnx_model import ONNXModel
from onnxruntime.transformers.float16 import convert_float_to_float16


def half(model: bytes) -> bytes:
    """The fp16 file of an fp32 file; images and logits stay float32. The same input gives the same bytes.

    A CPU without fp16 kernels computes it in float32 between casts: smaller, not faster.
    """
    proto = ONNXModel(convert_float_to_float16(onnx.load_from_string(model), keep_io_types=True))
    proto.topological_sort()  # the casts at both ends were put last
    return proto.model.SerializeToString(deterministic=True)
