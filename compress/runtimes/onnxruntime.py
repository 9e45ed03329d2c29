"""onnxruntime on the host: ONNX files, quantized by its own package."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import numpy as np
import onnx

from compress.files.pixels_onnx import takes_pixels, with_pixels
from compress.files.source import Source
from compress.host_sessions import host_session, options
from compress.quantization.bias_correction import quantize_corrected
from compress.quantization.calibration import Ranges, image_pixels
from compress.quantization.dynamic import dynamic as dynamic_file
from compress.quantization.half import half
from compress.quantization.quantize import quantize_within
from predictors.agent.runtimes import onnxruntime as board
from search_spaces.networks.resizing import resized_array

__all__ = ["takes_pixels", "with_pixels"]
MOVES = {"Transpose", "Reshape", "Flatten", "QuantizeLinear", "DequantizeLinear", "QGemm"}  # not in float
SNIPPET = """import numpy as np, onnxruntime
from PIL import Image, ImageOps
{prepared}
image = {{"image": pixels.transpose(2, 0, 1)[None]}}
print({classes}[onnxruntime.InferenceSession("{file}").run(None, image)[0].argmax()])"""
SUFFIX = board.SUFFIX
SATURATES = True  # on x86 processors without VNNI


def fp32(source: Source) -> bytes:
    return source.onnx


def int8(source: Source, ranges: Ranges, float_layers: Collection[int] = (), reduce_range: bool = False) -> bytes:
    return quantize_within(source.onnx, ranges, float_layers, reduce_range)


def int8_corrected(
    source: Source,
    ranges: Ranges,
    images: np.ndarray,
    float_layers: Collection[int] = (),
    reduce_range: bool = False,
) -> bytes:
    return quantize_corrected(source.onnx, ranges, images, float_layers, reduce_range)


def fp16(source: Source) -> bytes:
    return half(source.onnx)


def dynamic(source: Source) -> bytes:
    return dynamic_file(source.onnx)


def float_operators(file: bytes) -> list[str]:
    """The kinds of operators of an INT8 file that compute in float, after onnxruntime's graph optimisations."""
    with tempfile.TemporaryDirectory() as folder:
        chosen = options()
        chosen.optimized_model_filepath = str(Path(folder, "optimized.onnx"))
        host_session(file, chosen)
        operators = [node.op_type for node in onnx.load(chosen.optimized_model_filepath).graph.node]
    return [one for one in operators if one not in MOVES and not one.startswith("QLinear")]


def depends_on_batch(file: bytes) -> bool:
    """Dynamic INT8 quantizes activations by their range in the batch."""
    return any(node.op_type.startswith("DynamicQuantize") for node in onnx.load_from_string(file).graph.node)


def appended(facts: Mapping[str, str]) -> bytes:
    """Metadata as bytes to append to a file: fields of ONNX's ModelProto, which parsers add to those before."""
    entries = [onnx.StringStringEntryProto(key=key, value=value) for key, value in facts.items()]
    return bytes(onnx.ModelProto(metadata_props=entries).SerializeToString(deterministic=True))


def metadata(file: bytes) -> dict[str, str]:
    return dict(host_session(file).get_modelmeta().custom_metadata_map)


def session(file: bytes, threads: int) -> Callable[[np.ndarray], np.ndarray]:
    opened = host_session(file, board.options(threads))
    side = pixels(file)
    return lambda images: opened.run(None, {"image": resized_array(images, side)})[0]


def pixels(file: bytes) -> int:
    return image_pixels(onnx.load_from_string(file))
