"""What of a device and a space decides whether a latency table holds for them, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from predictors.agent.runtimes import RUNTIMES

PRECISIONS = ("fp32", "int8")
# A kernel update or another Python does not change what a runtime computes; these keys do.
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
    *RUNTIMES,  # a passport has the version of one of them
    "threads",
)
OF_SPACE = ("channels", "resolution", "classes", "layers")
KEYS = (*DECIDING, *OF_SPACE)  # what `ignore` may name


def runtime_of(passport: Mapping[str, Any]) -> str:
    """The name of the runtime that a passport is about."""
    return next((name for name in RUNTIMES if name in passport), "onnxruntime")


def deciding(passport: Mapping[str, Any]) -> dict[str, Any]:
    """What of a passport decides latencies."""
    own = runtime_of(passport)
    return {key: passport.get(key) for key in DECIDING if key not in RUNTIMES or key == own}
