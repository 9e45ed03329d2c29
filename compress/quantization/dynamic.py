"""Dynamic INT8: weights are integers, and every activation's range is taken anew for each batch of images."""

from __future__ import annotations

import tempfile
from pathlib import Path

import onnx
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.quant_utils import add_pre_process_metadata


def dynamic(model: bytes) -> bytes:
    """The dynamic INT8 file of an fp32 file: no calibration images, float32 between the layers.

    Weights are S8 and per tensor: onnxruntime's ConvInteger takes no scale per channel. The answer to an image depends
    on the other images of its batch, so `file_logits` asks one image at a time. The same input gives the same bytes.
    """
    proto = onnx.load_from_string(model)
    add_pre_process_metadata(proto)  # the writer has folded the batch norms: nothing is left to pre-process
    with tempfile.TemporaryDirectory() as folder:
        fp32, int8 = Path(folder, "fp32.onnx"), Path(folder, "int8.onnx")
        onnx.save(proto, fp32)
        quantize_dynamic(fp32, int8, weight_type=QuantType.QInt8)
        return onnx.load(int8).SerializeToString(deterministic=True)
