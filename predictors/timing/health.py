"""Health checks: a round is rejected based on the board's state before and after it.

A value that cannot be read is unknown, which is never taken for fine.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

LIVE = ("under-voltage", "frequency capped", "throttled", "soft temperature limit")  # bits 0-3 of get_throttled
SINCE_BOOT = 16  # shift to the sticky bits of the same four (raspberrypi/documentation, graphics-utilities)
LOST = 0.1  # tolerated loss of CPU share compared with the median round; or three standard deviations, if more
CORE = "([0-9]+)(?:-([0-9]+))?"  # in a list of cores such as 0-3,6
CORES = f"{CORE}(?:,{CORE})*"
CLOCK_DROP = 0.1  # tolerated drop of the clock during a round; a Raspberry Pi's mildest cap drops it by 14 %
STEADY = ("performance", "userspace")  # governors that never lower the clock themselves
WATCHED = ("throttled", "clock_khz", "temperature_mc", "governor", "boot_id")

State = Mapping[str, Any]


def fault(before: State, after: State) -> str | None:
    """Why a round is rejected: throttling, a reboot or a lower clock during it. None if it is not rejected."""
    limits = throttling(before, after)
    reasons = [f"throttling ({', '.join(limits)})"] if limits else []
    if None not in (boots := (before.get("boot_id"), after.get("boot_id"))) and boots[0] != boots[1]:
        reasons.append("the board was rebooted")
    for key, per_mhz in (("clock_khz", 1e3), ("firmware_clock_hz", 1e6)):
        early_clock, late_clock = before.get(key), after.get(key)
        steady = key != "clock_khz" or before.get("governor") == after.get("governor") in STEADY
        if steady and early_clock and late_clock and late_clock < (1 - CLOCK_DROP) * early_clock:
            reasons.append(f"the clock fell from {early_clock / per_mhz:.0f} to {late_clock / per_mhz:.0f} MHz")
    return ", ".join(reasons) or None


def throttling(before: State, after: State) -> tuple[str, ...]:
    """The limits that the board's firmware put on its clock between two states, by name."""
    early, late = _bits(before), _bits(after)
    return _named((early | late) & 0xF | (late & ~early) >> SINCE_BOOT & 0xF)


def with_resources(state: State, threads: int, passport: Mapping[str, Any]) -> State:
    """The state with the resources of the agent: threads, and its CPU quota in cores."""
    if "boards" in state:
        boards = {host: with_resources(own, threads, passport) for host, own in state["boards"].items()}
        return {**state, "boards": boards}
    return {"threads": threads, "quota": passport.get("quota"), **state}


def cpu_share(before: State, after: State) -> float:
    """The agent's processor time as a fraction of what its threads, cores and quota allow; NaN where unknown.

    The minimum over several boards.
    """
    if "boards" in before and "boards" in after:
        return min(cpu_share(before["boards"][host], after["boards"][host]) for host in before["boards"])
    try:
        wall, used = (after[key] - before[key] for key in ("clock_seconds", "cpu_seconds"))
        share = used / (wall * capacity(after))
    except (KeyError, TypeError, ZeroDivisionError):
        return math.nan
    waited = _difference(before, after, "waited_seconds")
    if after.get("threads", 1) == 1 or math.isnan(waited):
        return share
    return max(share, 1 - waited / (wall * capacity(after)))  # idle threads wait for work, not for a core


def capacity(state: State) -> float:
    """The number of cores that the agent can use at once."""
    threads = state.get("threads")
    bounds = [float(threads) if isinstance(threads, int) and threads > 0 else 1.0]
    if isinstance(cores := state.get("cores"), str) and re.fullmatch(CORES, cores):
        bounds.append(sum(int(last or first) - int(first) + 1 for first, last in re.findall(CORE, cores)))
    if isinstance(quota := state.get("quota"), (int, float)) and quota > 0:
        bounds.append(quota)
    return min(bounds)


def stopped_by_quota(before: State, after: State) -> float:
    """The fraction of the time for which a quota stopped the agent; 0 where unknown."""
    if "boards" in before and "boards" in after:
        return max(stopped_by_quota(before["boards"][host], after["boards"][host]) for host in before["boards"])
    wall = _difference(before, after, "clock_seconds")
    stopped = _difference(before, after, "quota_throttled_seconds")
    return min(stopped / wall, 1.0) if wall > 0 and stopped > 0 else 0.0


def _difference(before: State, after: State, key: str) -> float:
    try:
        return float(after[key] - before[key])
    except (KeyError, TypeError):
        return math.nan


def unknown(states: Iterable[State]) -> tuple[str, ...]:
    """The facts that the board failed to report at least once."""
    states = list(states)
    return tuple(key for key in WATCHED if any(_unreadable(key, state.get(key)) for state in states))


def past(state: State) -> tuple[str, ...]:
    """The limits that the firmware has put on the clock at any time between the boot and this state."""
    return _named(_bits(state) >> SINCE_BOOT)


def _bits(state: State) -> int:
    text = state.get("throttled")
    return 0 if _unreadable("throttled", text) else int(str(text), 16)


def _unreadable(key: str, value: Any) -> bool:
    if key != "throttled" or value is None:
        return value is None
    digits = str(value).removeprefix("0x")
    return not digits or not set(digits.lower()) <= set("0123456789abcdef")


def _named(bits: int) -> tuple[str, ...]:
    return tuple(name for bit, name in enumerate(LIVE) if bits >> bit & 1)
