"""Binds the agent to cores: those requested, or else the fast cores of a machine that also has slow ones.

If the scheduler chooses on such a board, some values in the table are up to 2.7 times too high.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from predictors.agent import machine
from predictors.agent.facts import CPUS, listed, number, numbers_of_cores, span, usable_cores

AS_FAST = 0.9  # of the fastest core's clock or capacity: cores of one kind differ by a few percent


def pin(cores: str, threads: int) -> dict[str, Any]:
    """Binds this process to `cores`, or to the fast cores if none are given; returns which ones.

    Must run before numpy and onnxruntime are imported, so that their threads inherit the binding. Raises ValueError for
    cores that this machine lacks, and for more threads than cores.
    """
    allowed = usable_cores()
    wanted = listed(cores) if cores else fastest(allowed)
    if missing := sorted({*wanted} - {*allowed}):
        raise ValueError(f"device.cores={cores} names core {span(missing)}, but the agent may use only {span(allowed)}")
    if not cores and threads > len(wanted):
        wanted = allowed
    if threads > len(wanted):
        raise ValueError(
            f"device.threads={threads} is more than the {len(wanted)} cores that the agent may use ({span(wanted)}): "
            "give fewer threads or more cores"
        )
    if cores or wanted != allowed:
        if not hasattr(os, "sched_setaffinity"):
            raise ValueError("this system cannot bind a process to cores: leave device.cores empty")
        os.sched_setaffinity(0, wanted)
        if usable_cores() != wanted:
            raise ValueError(
                f"the system did not bind the agent to cores {span(wanted)} but to {span(usable_cores())}: leave "
                "device.cores empty"
            )
        machine.pinned = True
    return {"cores": span(wanted), "pinned": machine.pinned}


def fastest(cores: Sequence[int]) -> list[int]:
    """The cores about as fast as the fastest one; all of them unless every core's speed is known."""
    speeds: dict[int, int | None] = {core: number(f"{CPUS}/cpu{core}/cpu_capacity") for core in cores}
    if None in speeds.values():
        clocks = numbers_of_cores("cpuinfo_max_freq")
        speeds = {core: clocks.get(core) for core in cores}
    known = {core: speed for core, speed in speeds.items() if speed}
    if len(known) < len(cores):
        return list(cores)
    return [core for core, speed in known.items() if speed >= AS_FAST * max(known.values())]
