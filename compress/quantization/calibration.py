"""The range of every activation on calibration images, from which scales and zero points are computed."""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod
from onnxruntime.quantization.calibrate import TensorsData, create_calibrator

from compress.host_sessions import host_session, options
from search_spaces.errors import unknown
from search_spaces.networks.resizing import resized_array

BATCH = 50  # images at a time
METHODS = {  # which part of an activation's values a range covers
    "minmax": CalibrationMethod.MinMax,  # all values
    "percentile": CalibrationMethod.Percentile,  # all but onnxruntime's 1e-5, half of it at either end
    "entropy": CalibrationMethod.Entropy,  # the part that loses least information (Migacz 2017)
}
Ranges = Mapping[str, tuple[float, float]]  # tensor -> lowest and highest value


class _Once(CalibrationDataReader):
    """One batch [N, C, H, W] in onnxruntime's interface."""

    def __init__(self, batch: np.ndarray) -> None:
        self.batches = iter([{"image": batch}])

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self.batches, None)


def activation_ranges(model: bytes, calibration: np.ndarray, method: str = "minmax") -> Ranges:
    """The range of every activation of an fp32 file, by tensor.

    `calibration` [N, C, H, W] float32, normalised, is read in batches; otherwise the histograms of percentile and
    entropy would hold every activation of all images. Raises LutraError for an unknown method.
    """
    if method not in METHODS:
        raise unknown("calibration method", method, METHODS)
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):  # the calibrator prints
        file = Path(folder, "fp32.onnx")
        file.write_bytes(model)
        augmented = str(Path(folder, "augmented.onnx"))
        calibrator = create_calibrator(file, None, augmented, METHODS[method])
        calibrator.infer_session = _unhurried(augmented)
        pixels = image_pixels(onnx.load_from_string(model))
        for start in range(0, len(calibration), BATCH):
            calibrator.collect_data(_Once(resized_array(calibration[start : start + BATCH], pixels)))
        found = calibrator.compute_data()
    return {name: (np.min(data.lowest).item(), np.max(data.highest).item()) for name, data in found.items()}


def image_pixels(model: onnx.ModelProto) -> int:
    """The side of the image that a network's file takes."""
    return int(model.graph.input[0].type.tensor_type.shape.dim[-1].dim_value)


def _unhurried(file: str) -> onnxruntime.InferenceSession:
    """The calibrator's session, which leaves cores to others."""
    chosen = options()
    chosen.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return host_session(file, chosen)


def tensors_data(ranges: Ranges) -> TensorsData:
    """Ranges in the form that onnxruntime's quantizer takes."""
    pairs = {name: tuple(np.array(end, np.float32) for end in pair) for name, pair in ranges.items()}
    return TensorsData(CalibrationMethod.MinMax, pairs)
