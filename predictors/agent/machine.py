"""The device fingerprint: what machine this is, in every respect that a latency table depends on."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from predictors import agent
from predictors.agent.facts import (
    CPUS,
    in_words,
    number,
    numbers_of_cores,
    of_cores,
    output_of,
    span,
    text,
    usable_cores,
)
from predictors.agent.runtimes import RUNTIMES

SUPPLIES = "sys/class/power_supply"
CGROUPS = "sys/fs/cgroup"
PARTS = {  # of ARM's own cores, as /proc/cpuinfo numbers them
    0xD03: "Cortex-A53", 0xD04: "Cortex-A35", 0xD05: "Cortex-A55", 0xD07: "Cortex-A57", 0xD08: "Cortex-A72",
    0xD09: "Cortex-A73", 0xD0A: "Cortex-A75", 0xD0B: "Cortex-A76", 0xD0C: "Neoverse-N1", 0xD0D: "Cortex-A77",
    0xD40: "Neoverse-V1", 0xD41: "Cortex-A78", 0xD42: "Cortex-A78AE", 0xD44: "Cortex-X1", 0xD46: "Cortex-A510",
    0xD47: "Cortex-A710", 0xD48: "Cortex-X2", 0xD49: "Neoverse-N2", 0xD4D: "Cortex-A715", 0xD4E: "Cortex-X3",
    0xD4F: "Neoverse-V2", 0xD80: "Cortex-A520", 0xD81: "Cortex-A720", 0xD82: "Cortex-X4",
}  # fmt: skip
pinned = False  # whether the agent is bound to chosen cores


def passport(runtime: str = "onnxruntime") -> dict[str, Any]:
    """The device fingerprint. A fact that cannot be read is None: unknown, never fine."""
    import numpy

    return {
        "model": text("proc/device-tree/model") or text("sys/class/dmi/id/product_name") or _sysctl("hw.model"),
        "cpu": processor(),
        "machine": platform.machine(),
        "cores": span(usable_cores()),
        "pinned": pinned,
        "quota": quota(),
        "clock_max_khz": in_words(numbers_of_cores("cpuinfo_max_freq")),
        "clock_cap_khz": in_words(numbers_of_cores("scaling_max_freq")),
        "governor": in_words(of_cores("scaling_governor")),
        "turbo": turbo(),
        "power": power(),
        "system": platform.system(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "numpy": numpy.__version__,
        runtime: RUNTIMES[runtime].version(),
    }


def processor() -> str | None:
    """The processor's name; for ARM, the names of its kinds of cores."""
    lines = (text("proc/cpuinfo") or "").splitlines()
    pairs = [(key.strip(), value.strip()) for key, colon, value in (line.partition(":") for line in lines) if colon]
    makers = [value for key, value in pairs if key == "CPU implementer"]
    parts = [value for key, value in pairs if key == "CPU part"]
    if makers and len(makers) == len(parts):
        return " + ".join(dict.fromkeys(_arm_core(maker, part) for maker, part in zip(makers, parts)))
    for wanted in ("model name", "cpu model", "uarch", "cpu", "Model", "Hardware"):
        if named := [value for key, value in pairs if key == wanted and value]:
            return " + ".join(dict.fromkeys(named))
    return _sysctl("machdep.cpu.brand_string") or platform.processor() or None


def _arm_core(maker: str, part: str) -> str:
    try:
        known = PARTS.get(int(part, 16)) if int(maker, 16) == 0x41 else None
    except ValueError:
        known = None
    return known or f"implementer {maker} part {part}"


def _sysctl(name: str) -> str | None:
    return output_of("sysctl", "-n", name) if sys.platform == "darwin" else None


def turbo() -> bool | None:
    """Whether the clock may exceed its base frequency."""
    off = number(f"{CPUS}/intel_pstate/no_turbo")
    boost = number(f"{CPUS}/cpufreq/boost") if off is None else 1 - off
    return None if boost is None else bool(boost)


def power() -> str | None:
    """mains or battery."""
    if sys.platform == "darwin":
        source = re.search(r"drawing from '(AC|Battery) Power'", output_of("pmset", "-g", "batt") or "")
        return {"AC": "mains", "Battery": "battery"}[source[1]] if source else None
    try:
        folders = [Path(SUPPLIES) / path.name for path in sorted((agent.ROOT / SUPPLIES).iterdir())]
    except OSError:
        return None
    own = [(text(folder / "type"), folder) for folder in folders if text(folder / "scope") != "Device"]
    batteries = [text(folder / "status") for kind, folder in own if kind == "Battery"]
    online = [number(folder / "online") for kind, folder in own if kind != "Battery"]
    if 1 in online or all(re.match("Mains|USB|Wireless", kind or "") for kind, _ in own):
        return "mains"
    if "Discharging" in batteries or (online and {*online} == {0}):
        return "battery"
    return "mains" if {*batteries} & {"Charging", "Full", "Not charging"} else None


def quota() -> float | str | None:
    """The CPU quota of this process's control groups, in cores; "none" where there is no quota, None where unknown."""
    if not re.search(r"^\d+:[^:]*:/", text("proc/self/cgroup") or "", re.MULTILINE):
        return None
    found: list[float] = []
    for folder in control_groups():
        bound = text(folder / "cpu.max") or " ".join(
            text(folder / name) or "" for name in ("cpu.cfs_quota_us", "cpu.cfs_period_us")
        )
        share = re.fullmatch(r"(max|-1|[0-9]{1,15}) ([1-9][0-9]{0,14})", bound)
        if bound.strip() and share is None:
            return None
        if share is not None and share[1] not in ("max", "-1"):
            found.append(int(share[1]) / int(share[2]))
    return min(found, default="none")


def control_groups() -> Iterator[Path]:
    """The folders of this process's control groups that may hold a quota, innermost first."""
    for line in (text("proc/self/cgroup") or "").splitlines():
        _, controllers, path = ([*line.split(":", 2), "", ""])[:3]
        if controllers and "cpu" not in controllers.split(","):
            continue
        roots = [controllers, "cpu"] if controllers else ["", "unified"]
        group = Path(path.strip("/"))
        for inside in [group, *group.parents] if path.strip("/") else [Path()]:
            yield from (Path(CGROUPS, root, inside) for root in dict.fromkeys(roots) if ".." not in inside.parts)
