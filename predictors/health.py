"""What the board's state before and after a round says against the round. Unreadable is unknown, never fine."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

LIVE = ("under-voltage", "frequency capped", "throttled", "soft temperature limit")  # bits 0-3 of get_throttled
SINCE_BOOT = 16  # bits further up the same four are sticky (raspberrypi/documentation, graphics-utilities)
CLOCK_DROP = 0.1  # of the clock, from a round's beginning to its end; a Raspberry Pi's mildest cap takes 14 %
STEADY = ("performance", "userspace")  # governors under which the kernel's clock falls for no other reason
WATCHED = ("throttled", "clock_khz", "temperature_mc", "governor", "boot_id")

State = Mapping[str, Any]


def fault(before: State, after: State) -> str | None:
    """Why a round may not count: throttling now or newly noted, another boot, a lower clock. None where nothing is."""
    early, late = _bits(before), _bits(after)
    live = (early | late) & 0xF | (late & ~early) >> SINCE_BOOT & 0xF
    reasons = [f"throttling ({', '.join(_named(live))})"] if live else []
    if None not in (boots := (before.get("boot_id"), after.get("boot_id"))) and boots[0] != boots[1]:
        reasons.append("the board was rebooted")
    for key, per_mhz in (("clock_khz", 1e3), ("firmware_clock_hz", 1e6)):
        early_clock, late_clock = before.get(key), after.get(key)
        steady = key != "clock_khz" or before.get("governor") == after.get("governor") in STEADY
        if steady and early_clock and late_clock and late_clock < (1 - CLOCK_DROP) * early_clock:
            reasons.append(f"the clock fell from {early_clock / per_mhz:.0f} to {late_clock / per_mhz:.0f} MHz")
    return ", ".join(reasons) or None


def cpu_share(before: State, after: State) -> float:
    """Processor time of the agent by time on the clock: of one core, what other programs left; NaN where unknown.

    Of several boards, the least.
    """
    if "boards" in before and "boards" in after:
        return min(cpu_share(before["boards"][host], after["boards"][host]) for host in before["boards"])
    try:
        return (after["cpu_seconds"] - before["cpu_seconds"]) / (after["clock_seconds"] - before["clock_seconds"])
    except (KeyError, TypeError, ZeroDivisionError):
        return math.nan


def unknown(states: Iterable[State]) -> tuple[str, ...]:
    """What the board could not say of itself at least once."""
    states = list(states)
    return tuple(key for key in WATCHED if any(_unreadable(key, state.get(key)) for state in states))


def past(state: State) -> tuple[str, ...]:
    """What happened since the board was booted and before the state was taken."""
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
