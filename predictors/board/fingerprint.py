"""What of a device and a space decides whether a latency table holds for them, by name."""

from __future__ import annotations

PRECISIONS = ("fp32", "int8")
# A kernel update or another Python does not change what onnxruntime computes; these keys do.
DECIDING = (
    "model",
    "cpu",
    "machine",
    "cores",
    "quota",
    "clock_max_khz",
    "clock_cap_khz",
    "governor",
    "turbo",
    "power",
    "onnxruntime",
    "threads",
)
OF_SPACE = ("channels", "resolution", "classes", "layers")
KEYS = (*DECIDING, *OF_SPACE)  # what `ignore` may name
