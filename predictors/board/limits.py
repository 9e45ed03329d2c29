"""How long a board may take for a request, and how many bytes its answer may have: bounds from the work that is asked.

They are wide, so that no honest board meets them, and hold whatever signs of life come in between.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from predictors.agent.frames import LARGEST_FRAME

QUICK = 60.0  # seconds at most for a request that runs no file
OPENING = 300.0  # seconds at most to open a file and warm it up
PATIENCES = 10  # both, as a multiple of the patience with a silent link, where that is less
ALONE = 300.0  # seconds to open a file in a process of its own
INSTALLING = 1800.0  # seconds for the packages
LINK = 20e3  # bytes a second that the slowest link carries
SLOWDOWN = 20  # a throttled board against the one that opened the file
SHORTEST = 2e-6  # seconds of an inference
SMALL = 2**18  # bytes of an answer without samples
SAMPLE = 200  # bytes of a sample, or of a number of an output's row


class Limits:
    """The bounds of one connection, which learns how long its files take."""

    def __init__(self, patience: float) -> None:
        self._quick, self._opening = min(QUICK, PATIENCES * patience), min(OPENING, PATIENCES * patience)
        self._opened: dict[str, float] = {}  # seconds that a file took to travel, to open and to run a few times

    def learn(self, do: str, arguments: Mapping[str, Any], seconds: float) -> None:
        if do == "load":
            self._opened[arguments["name"]] = seconds

    def seconds(self, do: str, arguments: Mapping[str, Any]) -> float:
        """From the request to its answer."""
        travelling = len(arguments.get("file", "")) / LINK
        if do == "setup":
            return INSTALLING
        if do == "load":
            return self._opening + travelling
        if do == "peak_memory":
            return ALONE + travelling
        if do == "outputs":
            return self._quick + SLOWDOWN * self._opened.get(arguments["name"], 0)
        if do == "round":
            work = sum(arguments["seconds"] + self._opened.get(name, 0) for name in arguments["order"])
            return self._quick + SLOWDOWN * work
        return self._quick

    def bytes(self, do: str, arguments: Mapping[str, Any]) -> int:
        """Of the answer's frame."""
        size = SMALL
        if do == "round":
            inferences = arguments["seconds"] / SHORTEST if arguments.get("each") else 0
            size += int(len(arguments["order"]) * (SAMPLE + 25 * inferences))
        if do == "outputs":
            size = LARGEST_FRAME // 4
        return min(size, LARGEST_FRAME)
