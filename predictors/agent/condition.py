"""The board's current condition, which is read before and after every round."""

from __future__ import annotations

import os
import re
import resource
import sys
import time
from typing import Any

from predictors import agent
from predictors.agent.facts import number, numbers_of_cores, of_cores, output_of, span, text, usable_cores
from predictors.agent.machine import control_groups, power, turbo


def state() -> dict[str, Any]:
    """Reads the board's state; unreadable values are None. Clocks and governors are those of the usable cores."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    bits = _vcgencmd("get_throttled")
    swapped = re.search(r"^pswpin (\d+)$", text("proc/vmstat") or "", re.MULTILINE)
    cores = usable_cores()
    frequencies = numbers_of_cores("scaling_cur_freq")
    clocks = [frequencies.get(core) for core in cores]
    governors = [governor for core, governor in of_cores("scaling_governor").items() if governor and core in cores]
    return {
        "cores": span(cores),
        "clock_khz": min((clock for clock in clocks if clock is not None), default=None),
        "clocks_khz": clocks,
        "clock_max_khz": _lowest("cpuinfo_max_freq", cores),
        "clock_cap_khz": _lowest("scaling_max_freq", cores),
        "firmware_clock_hz": _vcgencmd("measure_clock", "arm"),
        "governor": " + ".join(dict.fromkeys(governors)) or None,
        "temperature_mc": _temperature(),
        "throttled": None if bits is None else hex(bits),  # bits 0-3: now, 16-19: since boot
        "power": power(),
        "turbo": turbo(),
        "quota_throttled_seconds": _quota_throttled(),
        "load": os.getloadavg()[0],
        "swapped_in_pages": int(swapped[1]) if swapped else None,
        "boot_id": text("proc/sys/kernel/random/boot_id"),
        "preempted": usage.ru_nivcsw,
        "waited_seconds": _waited(),
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "clock_seconds": time.monotonic(),
        "peak_rss_kb": usage.ru_maxrss,
    }


def peak_rss() -> int | None:
    """This process's peak resident memory in bytes; None where unknown.

    Linux's ru_maxrss is not used because a child inherits it from its parent: a child of a 300 MB process reported
    312 MB but used 11 MB.
    """
    if peak := re.search(r"^VmHWM:\s*(\d+) kB$", text("proc/self/status") or "", re.MULTILINE):
        return 1024 * int(peak[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss if sys.platform == "darwin" else None


def _lowest(name: str, cores: list[int]) -> int | None:
    return min((value for core, value in numbers_of_cores(name).items() if value and core in cores), default=None)


def _vcgencmd(*words: str) -> int | None:
    """The number after "=" in the Raspberry Pi firmware's answer; None where there is no such firmware."""
    answer = re.fullmatch(r"\S+=(0x[0-9a-fA-F]{1,8}|[0-9]{1,12})", output_of("vcgencmd", *words) or "")
    return int(answer[1], 0) if answer else None


def _temperature() -> int | None:
    """The temperature of the CPU's thermal zone, or else of the first zone, in thousandths of a degree."""
    zones = [f"sys/class/thermal/thermal_zone{index}" for index in range(16)]
    of_cpu = [zone for zone in zones if re.search("cpu|x86_pkg|soc", text(f"{zone}/type") or "")]
    return number(f"{(of_cpu or zones)[0]}/temp")


def _waited() -> float | None:
    """Total seconds for which threads of this process were runnable but had no core; None where unknown."""
    root = agent.ROOT / "proc/self/task"
    stats = [text(folder.relative_to(agent.ROOT) / "schedstat") or "" for folder in root.glob("*")]
    found = [re.fullmatch(r"[0-9]+ ([0-9]{1,18}) [0-9]+", stat) for stat in stats]
    return sum(1e-9 * int(stat[1]) for stat in found if stat) if any(found) else None


def _quota_throttled() -> float | None:
    """Seconds for which a CPU quota has throttled this process's control groups; None where unknown."""
    found = []
    for folder in control_groups():
        stat = text(folder / "cpu.stat") or ""
        if spent := re.search(r"^throttled_(usec|time) (\d{1,18})$", stat, re.MULTILINE):
            found.append(int(spent[2]) * (1e-6 if spent[1] == "usec" else 1e-9))
    return max(found, default=None)
