"""LiteRT on the host: flatbuffers, written directly from the layers."""

from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from compress.files.source import Source
from compress.quantization.calibration import Ranges
from predictors.agent.runtimes import litert
from predictors.agent.runtimes.litert import SUFFIX as SUFFIX
from predictors.agent.runtimes.litert import owns as owns
from search_spaces.errors import LutraError
from search_spaces.networks.litert_file import Stored
from search_spaces.networks.litert_writer import write

NAME = "litert"
SNIPPET = """import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image, ImageOps
{prepared}
logits = Interpreter("{file}").get_signature_runner()(image=pixels[None].astype(np.float32))["output"]
print({classes}[logits.argmax()])"""
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
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(file))
    graph = model.subgraphs[0]
    names = {value: name for name, value in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
    kinds = [names[model.operatorCodes[operator.opcodeIndex].builtinCode] for operator in graph.operators]
    given = [graph.tensors[operator.outputs[0]].type for operator in graph.operators]
    float32 = schema.TensorType.FLOAT32
    return [kind for kind, one in zip(kinds, given) if one == float32 and kind != "DEQUANTIZE"]


def session(file: bytes, threads: int) -> Callable[[np.ndarray], np.ndarray]:
    return litert.open_file(file, threads)[1]


def _written(
    source: Source, ranges: Ranges | None = None, float_layers: Collection[int] = (), stored: Stored = "float32"
) -> bytes:
    if not source.specs:
        raise LutraError(
            "runtime=litert only writes networks of a search space, and this is not one: use runtime=onnxruntime"
        )
    return write(source.specs, source.weights, ranges, float_layers, stored)
