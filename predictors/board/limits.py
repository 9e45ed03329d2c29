"""Upper bounds on a board's time for a request and on the size of its answer, derived from the requested work.

They are generous, so a working board never reaches them, and they hold even while heartbeats keep arriving.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from predictors.agent.frames import LARGEST_FRAME

QUICK = 60.0  # seconds for a request that runs no file
OPENING = 300.0  # seconds to open a file and warm it up
PATIENCES = 10  # QUICK and OPENING are capped at this multiple of `patience`
ALONE = 300.0  # seconds to open a file in its own process
INSTALLING = 1800.0  # seconds to install the packages
LINK = 20e3  # bytes per second over the slowest link
SLOWDOWN = 20  # how much slower a throttled board may be than when it opened the file
SHORTEST = 2e-6  # seconds of the fastest inference
SMALL = 2**18  # bytes of an answer without samples
SAMPLE = 200  # bytes of a sample


class Limits:
    """The bounds for one connection; learns how long its files take."""

    def __init__(self, patience: float) -> None:
        self._quick, self._opening = min(QUICK, PATIENCES * patience), min(OPENING, PATIENCES * patience)
        self._opened: dict[str, float] = {}  # seconds to send and open a file and run it a few times, by name

    def learn(self, do: str, arguments: Mapping[str, Any], seconds: float) -> None:
        if do == "load":
            self._opened[arguments["name"]] = seconds

    def seconds(self, do: str, arguments: Mapping[str, Any]) -> float:
        """The longest time from a request to its answer."""
        travelling = len(arguments.get("file", "")) / LINK
        if do == "setup":
            return INSTALLING
        if do == "load":
            return self._opening + travelling
        if do == "profile":
            return ALONE + SLOWDOWN * 2 * arguments["seconds"] + travelling
        if do == "peak_memory":
            return ALONE + travelling
        if do == "outputs":
            return self._quick + SLOWDOWN * self._opened.get(arguments["name"], 0)
        if do == "round":
            work = sum(arguments["seconds"] + self._opened.get(name, 0) for name in arguments["order"])
            return self._quick + SLOWDOWN * work
        return self._quick

    def bytes(self, do: str, arguments: Mapping[str, Any]) -> int:
        """The largest size of an answer's frame."""
        size = SMALL
        if do == "round":
            inferences = arguments["seconds"] / SHORTEST if arguments.get("each") else 0
            size += int(len(arguments["order"]) * (SAMPLE + 25 * inferences))
        if do == "outputs":
            size = LARGEST_FRAME // 4
        return min(size, LARGEST_FRAME)
