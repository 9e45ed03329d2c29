"""Rows of the transfer matrix: networks that were chosen for one target, timed on another."""

from __future__ import annotations

from dataclasses import dataclass

MACS, PARAMETERS = "fewest MACs", "fewest parameters"  # what networks are chosen for beside targets


@dataclass(frozen=True)
class Transferred:
    """A network on a target: its latency, and what it loses against the network that was chosen for this target."""

    target: str
    chosen_for: str  # a target, or what was minimised
    arch: str
    accuracy: float  # fraction of the validation images, with inherited weights
    macs: float
    parameters: float
    predicted_s: float  # by the target's table
    measured_s: float
    low_s: float  # of its 95 % interval
    high_s: float
    loss: float  # fraction; negative where it is faster than the target's own winner
    loss_low: float  # of its 95 % interval
    loss_high: float
    device: str
    runtime: str  # with its version
    session: str  # the verdict on it: clean, noisy or throttled
