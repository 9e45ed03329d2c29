"""How long a board may take for a request, and how many bytes its answer may have: bounds from the work that is asked.

They are wide, so that no honest board meets them, and hold whatever signs of life come in between.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from predictors.agent.frames import LARGEST_FRAME

QUICK = 60.0  # seconds at most for a request that runs no file
PATIENCES = 10  # the same, as a multiple of the patience with a silent link
INSTALLING = 3600.0  # seconds for the packages
OPENING = 300.0  # seconds to open a file and warm it up
LINK = 20e3  # bytes a second that the slowest link carries
SLOWDOWN = 20  # a throttled board against the one that opened the file
SHORTEST = 2e-6  # seconds of an inference
SMALL = 2**18  # bytes of an answer without samples
SAMPLE = 200  # bytes of a sample, or of a number of an output's row


class Limits:
    """The bounds of one connection, which learns how long its files take."""

    def __init__(self, patience: float) -> None:
        self._quick = min(QUICK, PATIENCES * patience)
        self._opened: dict[str, float] = {}  # seconds that a file took to travel, to open and to run a few times

    def learn(self, do: str, arguments: Mapping[str, Any], seconds: float) -> None:
        if do == "load":
            self._opened[arguments["name"]] = seconds

    def seconds(self, do: str, arguments: Mapping[str, Any]) -> float:
        """From the request to its answer."""
        if do == "setup":
            return INSTALLING
        if do in ("load", "peak_memory"):
            return OPENING + len(arguments.get("onnx", "")) / LINK
        if do == "outputs":
            return OPENING + SLOWDOWN * self._opened.get(arguments.get("name", ""), OPENING)
        if do == "round":
            work = sum(arguments["seconds"] + self._opened.get(name, OPENING) for name in arguments["order"])
            return QUICK + SLOWDOWN * work
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
