"""The runtimes on the host: how to write, quantize and execute their files here. Each runtime is one file.

`SUFFIX`: of its files. `SNIPPET`: a program that classifies an image with one. `SATURATES`: whether INT8 sums may
saturate on some processors. `fp32`, `fp16`, `dynamic`: from a `Source` to the bytes of a file; `int8(source, ranges,
float_layers, reduce_range)` likewise, with the ranges of the activations by their names in the ONNX file;
`int8_corrected` also corrects biases on images. `float_operators(file)`: the kinds of operators of an INT8 file that
compute in float. `depends_on_batch(file)`: whether an image's output depends on the other images in its batch.
`pixels(file)`: the width of the image that it takes. `with_pixels(file, scale, shift)`: a file that normalises;
`takes_pixels(file)`: whether one does. `session(file, threads)`: images [N, C, H, W] float32, or uint8 for a file that
takes pixels, resized to that width if larger -> the first output.
"""

from __future__ import annotations

from typing import Any

from compress.runtimes import litert, onnxruntime
from predictors.agent import runtimes

RUNTIMES: dict[str, Any] = {"onnxruntime": onnxruntime, "litert": litert}


def runtime_of_file(file: bytes) -> Any:
    """The runtime whose format the bytes have."""
    return RUNTIMES[runtimes.runtime_of_file(file)]
