"""LiteRT on the host: flatbuffers, written directly from the layers."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Collection, Mapping

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from compress.files.pixels_litert import takes_pixels, with_pixels
from compress.files.source import Source
from compress.quantization.calibration import Ranges
from predictors.agent.runtimes import litert
from predictors.board.measured_part import LENGTH
from search_spaces.errors import LutraError
from search_spaces.networks.litert_file import Stored
from search_spaces.networks.litert_writer import write
from search_spaces.networks.resizing import resized_array

__all__ = ["takes_pixels", "with_pixels"]
SNIPPET = """import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image, ImageOps
{prepared}
print({classes}[Interpreter("{file}").get_signature_runner()(image=pixels[None])["output"].argmax()])"""
SUFFIX = litert.SUFFIX
METADATA = "metadata.json"
SATURATES = False  # its kernels add in 32 bits


def fp32(source: Source) -> bytes:
    return _written(source)


def int8(source: Source, ranges: Ranges, float_layers: Collection[int] = (), reduce_range: bool = False) -> bytes:
    """Raises LutraError for `reduce_range`, because LiteRT's kernels never saturate."""
    if reduce_range:
        raise LutraError("runtime=litert never saturates: leave compress.quantize.reduce_range at false")
    return _written(source, ranges, float_layers)


def int8_corrected(
    source: Source,
    ranges: Ranges,
    images: np.ndarray,
    float_layers: Collection[int] = (),
    reduce_range: bool = False,
) -> bytes:
    raise LutraError("biases are only corrected for runtime=onnxruntime: leave bias_correction at false")


def fp16(source: Source) -> bytes:
    return _written(source, stored="float16")


def dynamic(source: Source) -> bytes:
    return _written(source, stored="int8")


def float_operators(file: bytes) -> list[str]:
    """The kinds of operators of an INT8 file that compute in float: those with float outputs, except conversions."""
    model = litert.parsed(file)
    tensors, operators = model.subgraphs[0].tensors, model.subgraphs[0].operators
    floats = [tensors[operator.outputs[0]].type == schema.TensorType.FLOAT32 for operator in operators]
    return [kind for kind, one in zip(litert.operator_kinds(model), floats) if one and kind != "DEQUANTIZE"]


def depends_on_batch(file: bytes) -> bool:
    """Dynamic INT8 quantizes activations by their range in each image."""
    return False


def appended(facts: Mapping[str, str]) -> bytes:
    """Metadata as bytes to append to a file: a zip archive, in which tools for LiteRT look for labels.txt."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(zipfile.ZipInfo(METADATA), json.dumps(facts, indent=1, ensure_ascii=False))
        archive.writestr(zipfile.ZipInfo("labels.txt"), "\n".join(json.loads(facts.get("classes", "[]"))))
        archive.comment = f"{LENGTH}={facts[LENGTH]}".encode()
    return packed.getvalue()


def metadata(file: bytes) -> dict[str, str]:
    if not zipfile.is_zipfile(io.BytesIO(file)):
        return {}
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        return dict(json.loads(archive.read(METADATA)))


def session(file: bytes, threads: int) -> Callable[[np.ndarray], np.ndarray]:
    answer, side = litert.open_file(file, threads)[1], pixels(file)
    return lambda images: answer(resized_array(images, side))


def pixels(file: bytes) -> int:
    graph = litert.parsed(file).subgraphs[0]
    return int(graph.tensors[graph.inputs[0]].shape[1])


def _written(
    source: Source, ranges: Ranges | None = None, float_layers: Collection[int] = (), stored: Stored = "float32"
) -> bytes:
    if not source.specs:
        raise LutraError(
            "runtime=litert can only write networks from a search space, and this is not one: use runtime=onnxruntime"
        )
    return write(source.specs, source.weights, ranges, float_layers, stored)
