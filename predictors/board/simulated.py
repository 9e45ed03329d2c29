"""A simulated board: known latencies with seeded noise, drift, load, throttling and broken links; has its own clock.

`device=simulated` and the tests of robustness measure it like a real board.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from predictors.board.device import Board, Unreachable
from predictors.tables.table import LatencyTable
from search_spaces.errors import LutraError

GAP = 2e-3  # seconds between two samples
CLOCK = 1_500_000  # kHz
DRIFTS: dict[str, Callable[[float], float]] = {  # functions of time in periods, with values from -1 to 1
    "none": lambda time: 0.0,
    "ramp": lambda time: 2 * min(time, 1) - 1,
    "step": lambda time: 1.0 if time > 0.5 else -1.0,
    "periodic": lambda time: math.sin(2 * math.pi * time),
}
Span = tuple[float, float]  # start and end, in seconds on the board's clock
MIGRATIONS = ("round", "seconds", "file")  # once per round, about once per second, or depending on the file
MOSTLY = 0.9  # the fraction of a file's samples on its usual kind of core, with migration "file"


@dataclass(frozen=True)
class Disturbance:
    """Disturbances of the simulated board. Sizes are fractions of a sample's seconds."""

    noise: float = 0.01  # standard deviation
    outliers: float = 0.0  # fraction of samples that take up to three times as long
    drift: str = "none"  # a key of DRIFTS, or walk
    drift_size: float = 0.1
    period: float = 60.0  # seconds of a drift
    busy: Span = (0, 0)  # another process runs: each file slows down differently, and differently each time
    stolen: float = 0.0  # fraction of the core that the busy process takes from the agent
    throttled: tuple[tuple[float, float, int], ...] = ()  # start, end, live bits: the clock drops by a third
    reboots: tuple[float, ...] = ()
    cuts: tuple[float, ...] = ()  # times at which the connection breaks once
    silent: bool = False  # the board reports nothing about its state
    slow_core: float = 1.0  # how many times longer slow cores take than fast ones; varies a little by file
    migration: str = "none"  # when the scheduler may move the agent to another core: none, or one of MIGRATIONS
    slow_share: float = 0.5  # fraction of the time, or of the files, on a slow core


class SimulatedBoard:
    """Implements `predictors.board.device.Board`. `seconds(file)`: a file's latency on the undisturbed board."""

    def __init__(
        self,
        seconds: Callable[[bytes], float],
        disturbance: Disturbance = Disturbance(),
        seed: int = 0,
        passport: Mapping[str, Any] | None = None,
        threads: int = 1,
    ) -> None:
        self.threads, self.disturbance, self.clock = threads, disturbance, 0.0
        self.passport: Mapping[str, Any] = {**(passport or {"model": "simulated"}), "threads": threads}
        self._seconds = seconds
        self._noise, self._drifting = Random(f"noise {seed}"), Random(f"drift {seed}")
        self._known: dict[str, float] = {}
        self._cores, self._slow, self._stays = Random(f"cores {seed}"), False, 0.0
        self._walk = self._cpu = 0.0
        self._cuts = sorted(disturbance.cuts)

    def ask(self, do: str, **arguments: Any) -> Any:
        requests: dict[str, Callable[..., Any]] = {
            "ping": dict,
            "passport": lambda: dict(self.passport),
            "state": self.state,
            "round": self.round,
            "peak_memory": lambda **file: {"peak": None, "runtime": None},
        }
        if do not in requests:
            raise LutraError(f"the simulated board could not {do}: it can only time files")
        return requests[do](**arguments)

    def load(self, name: str, file: bytes) -> None:
        self._known[name] = self._seconds(file)

    def round(self, order: Sequence[str], seconds: float, each: bool = False) -> dict[str, Any]:
        before = self.state()
        self._move("round")
        samples = [self._sample(name, seconds, each) for name in order]
        return {"before": before, "samples": samples, "after": self.state()}

    def state(self) -> dict[str, Any]:
        keys = ("clock_khz", "governor", "temperature_mc", "throttled", "boot_id", "cpu_seconds", "clock_seconds")
        if self.disturbance.silent:
            return dict.fromkeys(keys)
        live, seen = self._bits(), 0
        boots = [0.0, *(time for time in self.disturbance.reboots if time <= self.clock)]
        for begin, end, bits in self.disturbance.throttled:
            seen |= bits if begin <= self.clock and end > boots[-1] else 0
        clock = CLOCK * 2 // 3 if live else CLOCK
        said = (clock, "performance", 85_000 if live else 50_000, hex(live | seen << 16))
        return dict(zip(keys, (*said, f"boot {len(boots)}", self._cpu, self.clock)))

    def _bits(self) -> int:
        live = 0
        for begin, end, bits in self.disturbance.throttled:
            live |= bits if begin <= self.clock < end else 0
        return live

    def _sample(self, name: str, seconds: float, each: bool) -> tuple[float, list[float]]:
        """One sample, which advances the board's clock."""
        if self._cuts and self.clock >= self._cuts[0]:
            self._cuts.pop(0)
            raise Unreachable("the simulated connection broke")
        single = self._known[name] * self._slowness(name)
        count = max(1, math.ceil(seconds / single))
        busy = self.disturbance.busy[0] <= self.clock < self.disturbance.busy[1]
        self.clock += count * single + GAP
        self._cpu += self.threads * (count * single + GAP) * (1 - self.disturbance.stolen * busy)
        return single, [single] * count if each else []

    def _slowness(self, name: str) -> float:
        disturbance, rng = self.disturbance, self._noise
        factor = math.exp(disturbance.noise * rng.gauss(0, 1) + self._drift())
        if rng.random() < disturbance.outliers:
            factor *= rng.uniform(1, 3)
        if disturbance.busy[0] <= self.clock < disturbance.busy[1]:
            factor *= 1 + Random(f"suffers {name}").uniform(0.1, 0.8) * rng.uniform(0.5, 1.5)
        return factor * (1.5 if self._bits() else 1) * self._core(name)

    def _core(self, name: str) -> float:
        """How many times longer the agent's current core takes for a file than a fast core."""
        disturbance, of_file = self.disturbance, Random(f"core {name}")
        if self.clock >= self._stays:
            self._stays = self.clock + self._cores.expovariate(1)
            self._move("seconds")
        slower = 1 + (disturbance.slow_core - 1) * of_file.uniform(0.8, 1.2)
        slow = self._slow
        if disturbance.migration == "file":
            mostly_slow = of_file.random() < disturbance.slow_share
            slow = self._cores.random() < (MOSTLY if mostly_slow else 1 - MOSTLY)
        return slower if slow else 1.0

    def _move(self, when: str) -> None:
        if self.disturbance.migration == when:
            self._slow = self._cores.random() < self.disturbance.slow_share

    def _drift(self) -> float:
        disturbance = self.disturbance
        if disturbance.drift == "walk":
            self._walk += disturbance.drift_size * math.sqrt(0.02 / disturbance.period) * self._drifting.gauss(0, 1)
            return self._walk
        return disturbance.drift_size * DRIFTS[disturbance.drift](self.clock / disturbance.period)


SCENARIOS: dict[str, Disturbance] = {
    "quiet": Disturbance(),
    "drifting": Disturbance(outliers=0.01, drift="walk", drift_size=0.2),
    "busy": Disturbance(outliers=0.01, busy=(10, 20)),
    "throttled": Disturbance(throttled=((10, 20, 0x4),)),
    "cut": Disturbance(cuts=(5,)),
    "silent": Disturbance(silent=True),
    "migrating": Disturbance(slow_core=2.6, migration="seconds"),
}


@contextmanager
def simulated(table: LatencyTable, scenario: str, seed: int, threads: int, again: bool = False) -> Iterator[Board]:
    """A board that replays a recorded table; its link breaks at most once. Files not in the table are an error."""
    known = table.timed_seconds()

    def seconds(file: bytes) -> float:
        digest = hashlib.sha256(file).hexdigest()
        if digest not in known:
            raise LutraError(
                f"the simulated device can only time the {len(known)} files in its table, and this is not one of them; "
                f"give a table of this space with device.table=PATH, and use the settings it was measured with"
            )
        return known[digest]

    disturbance = replace(SCENARIOS[scenario], cuts=()) if again else SCENARIOS[scenario]
    yield SimulatedBoard(seconds, disturbance, seed, table.passport, threads)
