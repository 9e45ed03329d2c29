"""Rows of a profile: what operators take on the device, and how a file fares under steady load."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Operator:
    """What an operator of a file takes on the device, in the file's order."""

    precision: str
    layer: int  # its number in the space
    operator: str
    kind: str  # as the runtime calls it
    seconds: float
    whole_s: float  # of the whole file, without a profiler


@dataclass(frozen=True)
class Moment:
    """A second under steady load."""

    time_s: float
    latency_s: float
    clock_hz: float | None
    temperature_c: float | None
    throttled: str
