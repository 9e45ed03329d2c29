"""The size of a file, and its size after lossless compression."""

from __future__ import annotations

import zlib

import onnx
from onnx import numpy_helper

LEVEL = 9  # highest compression


def compressed_bytes(data: bytes) -> int:
    """The length of a file's bytes after DEFLATE (RFC 1951), as in zip, gzip and app packages."""
    return len(zlib.compress(data, LEVEL))


def zeros(model: bytes) -> float:
    """The fraction of exact zeros among the weights of convolutions and linear layers in an ONNX file, fp32 or INT8.

    INT8 rounds weights below half a step to zero, so there are more zeros than pruned weights.
    """
    tensors = [numpy_helper.to_array(tensor) for tensor in onnx.load_from_string(model).graph.initializer]
    weights = [tensor for tensor in tensors if tensor.ndim > 1]
    return sum(int((weight == 0).sum()) for weight in weights) / sum(weight.size for weight in weights)
