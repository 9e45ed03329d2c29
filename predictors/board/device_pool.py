"""Several boards of one kind that share the work: each times part of every round.

The rounds are shuffled, so every file visits every board. Before the first round, all boards time the reference files
at once, to check that they are equally fast.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import Any, TypeVar

from predictors.board.device import Board
from predictors.board.fingerprint import DECIDING
from search_spaces.errors import LutraError

T = TypeVar("T")
AGREE = 0.03  # how far the boards' medians of a reference file may differ, as a fraction
SAMPLES = 5  # of each reference file on each board
HIGHEST = ("temperature_mc", "load", "quota_throttled_seconds", "swapped_in_pages", "preempted", "peak_rss_kb")


class DevicePool:
    """Several boards, by host, as one device. Raises LutraError unless they are of one kind."""

    def __init__(self, boards: Mapping[str, Board]) -> None:
        self._boards, self._agreed = dict(boards), False
        (first, leader), *others = self._boards.items()
        self.threads, self.passport = leader.threads, leader.passport
        for host, board in others:
            differing = [key for key in DECIDING if board.passport.get(key) != self.passport.get(key)]
            if differing:
                differences = ", ".join(
                    f"{key} {self.passport.get(key)!r} and {board.passport.get(key)!r}" for key in differing
                )
                raise LutraError(f"{first} and {host} are not of one kind: {differences}; measure a table for each")

    def load(self, name: str, file: bytes) -> None:
        self._each(lambda host, board: board.load(name, file))

    def ask(self, do: str, **arguments: Any) -> Any:
        """The merged state of all boards if `do` is "state"; for other requests, the first board's answer."""
        if do == "state":
            return merged(self._each(lambda host, board: board.ask("state")))
        if do == "round":
            return self.round(**arguments)
        return next(iter(self._boards.values())).ask(do, **arguments)

    def round(self, order: Sequence[str], seconds: float, each: bool = False) -> dict[str, Any]:
        if not self._agreed:
            self._compare([name for name in dict.fromkeys(order) if list(order).count(name) > 1], seconds)
        bounds = [len(order) * part // len(self._boards) for part in range(len(self._boards) + 1)]
        parts = {host: order[bounds[index] : bounds[index + 1]] for index, host in enumerate(self._boards)}
        done = self._each(lambda host, board: board.round(parts[host], seconds, each))
        return {
            "before": merged({host: answer["before"] for host, answer in done.items()}),
            "samples": list(chain.from_iterable(answer["samples"] for answer in done.values())),
            "after": merged({host: answer["after"] for host, answer in done.items()}),
        }

    def _compare(self, references: Sequence[str], seconds: float) -> None:
        """Raises LutraError if the boards' medians of a reference file differ too much."""
        answers = self._each(lambda host, board: board.round([*references] * SAMPLES, seconds))
        apart = []
        for index, name in enumerate(references):
            medians = {
                host: statistics.median(mean for mean, _ in answer["samples"][index :: len(references)])
                for host, answer in answers.items()
            }
            slow, fast = max(medians, key=lambda host: medians[host]), min(medians, key=lambda host: medians[host])
            if medians[slow] > (1 + AGREE) * medians[fast]:
                apart.append(f"{name} takes {medians[slow] / medians[fast] - 1:.1%} longer on {slow} than on {fast}")
        if apart:
            raise LutraError(
                f"the boards disagree: {', '.join(apart)}; give them the same cooling and power, or leave one out"
            )
        self._agreed = True

    def _each(self, ask: Callable[[str, Board], T]) -> dict[str, T]:
        """Every board's answer; all boards are asked at the same time."""
        with ThreadPoolExecutor(len(self._boards)) as threads:
            answers = {host: threads.submit(ask, host, board) for host, board in self._boards.items()}
        return {host: answer.result() for host, answer in answers.items()}


def merged(states: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """One state for all boards: the worst value of each, or None if one is unknown; and each board's own state."""
    keys = dict.fromkeys(chain.from_iterable(states.values()))
    values = {key: [state.get(key) for state in states.values()] for key in keys}
    return {**{key: None if None in found else _worst(key, found) for key, found in values.items()}, "boards": states}


def _worst(key: str, found: Sequence[Any]) -> Any:
    if key == "throttled":
        bits = 0
        for text in found:
            bits |= int(text, 16)
        return hex(bits)
    if isinstance(found[0], list):
        return [*chain.from_iterable(found)]
    if key in HIGHEST:
        return max(found)
    if isinstance(found[0], (int, float)):
        return min(found)
    return " + ".join(dict.fromkeys(found))
