"""Dynamic INT8: integer weights; the range of every activation is computed for each batch of images."""

from __future__ import annotations

import tempfile
from pathlib import Path

import onnx
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.quant_utils import add_pre_process_metadata


def dynamic(model: bytes) -> bytes:
    """The dynamic INT8 file of an fp32 file: no calibration images, float32 between layers.

    Weights are S8 per tensor, because onnxruntime's ConvInteger supports no scale per channel. An image's output
    depends on the other images of its batch, so `file_logits` runs one image at a time. Equal inputs give equal bytes.
    """
    proto = onnx.load_from_string(model)
    add_pre_process_metadata(proto)  # batch norms are folded already, so there is nothing to pre-process
    with tempfile.TemporaryDirectory() as folder:
        fp32, int8 = Path(folder, "fp32.onnx"), Path(folder, "int8.onnx")
        onnx.save(proto, fp32)
        quantize_dynamic(fp32, int8, weight_type=QuantType.QInt8)
        return onnx.load(int8).SerializeToString(deterministic=True)
