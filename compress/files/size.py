"""What a file weighs, and what is left of it in a lossless archive: the bytes that are stored or sent."""

from __future__ import annotations

import zlib

import onnx
from onnx import numpy_helper

LEVEL = 9  # the smallest


def compressed_bytes(data: bytes) -> int:
    """The length of a file's bytes under DEFLATE (RFC 1951), as in zip, gzip and app packages."""
    return len(zlib.compress(data, LEVEL))


def zeros(model: bytes) -> float:
    """The fraction of exact zeros among the weights of an ONNX file's convolutions and linear layers, fp32 or INT8.

    INT8 rounds weights below half a quantum to zero: more than were cut.
    """
    tensors = [numpy_helper.to_array(tensor) for tensor in onnx.load_from_string(model).graph.initializer]
    weights = [tensor for tensor in tensors if tensor.ndim > 1]
    return sum(int((weight == 0).sum()) for weight in weights) / sum(weight.size for weight in weights)
