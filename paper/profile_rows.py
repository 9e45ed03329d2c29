"""Rows of a profile: the latency of operators on the device, and of a file under steady load."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Operator:
    """The latency of an operator of a file on the device; rows are in the file's order."""

    precision: str
    layer: int  # its number in the space
    operator: str
    kind: str  # the runtime's name
    seconds: float
    whole_s: float  # of the whole file, without a profiler


@dataclass(frozen=True)
class Moment:
    """One measurement under steady load."""

    time_s: float
    latency_s: float
    clock_hz: float | None
    temperature_c: float | None
    throttled: str
