"""The keys of a device's fingerprint and of a space that must match for a latency table to apply."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from predictors.agent.runtimes import RUNTIMES

PRECISIONS = ("fp32", "int8")
# A kernel update or another Python version does not change what a runtime computes; these keys do.
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
    *RUNTIMES,  # a fingerprint has the version of one of them
    "threads",
)
OF_SPACE = ("channels", "resolution", "classes", "layers")
KEYS = (*DECIDING, *OF_SPACE)  # the keys that `ignore` accepts


def runtime_of(passport: Mapping[str, Any]) -> str:
    """The name of the runtime in a fingerprint."""
    return next((name for name in RUNTIMES if name in passport), "onnxruntime")


def deciding(passport: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a fingerprint that determines latencies."""
    own = runtime_of(passport)
    return {key: passport.get(key) for key in DECIDING if key not in RUNTIMES or key == own}
