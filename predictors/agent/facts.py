"""Reads facts from /proc, /sys and small programs. A fact that cannot be read is None: unknown, never fine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from predictors import agent
from predictors.agent.children import die_with_parent

CPUS = "sys/devices/system/cpu"


def text(path: str | Path) -> str | None:
    """A file's text, stripped; None where it is empty or unreadable."""
    try:
        return (agent.ROOT / path).read_bytes().replace(b"\0", b"").decode(errors="replace").strip() or None
    except OSError:
        return None


def number(path: str | Path) -> int | None:
    found = text(path)
    return int(found) if found and re.fullmatch(r"-?[0-9]{1,18}", found) else None


def output_of(*command: str) -> str | None:
    """A program's output; None where it is missing, fails, or takes more than five seconds."""
    if shutil.which(command[0]) is None:  # before this process is forked, which takes long where it is large
        return None
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
            preexec_fn=die_with_parent,
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    return done.stdout.strip() or None


def usable_cores() -> list[int]:
    """The numbers of the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def span(cores: Iterable[int]) -> str:
    """[0, 1, 2, 5] -> 0-2,5."""
    runs: list[list[int]] = []
    for core in sorted(cores):
        if runs and core == runs[-1][-1] + 1:
            runs[-1].append(core)
        else:
            runs.append([core])
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def listed(cores: str) -> list[int]:
    """0-2,5 or 0 1 2 5 -> [0, 1, 2, 5]. Raises ValueError for anything else."""
    found: set[int] = set()
    for part in re.split(r"[,\s]+", cores.strip()):
        bounds = re.fullmatch(r"([0-9]{1,4})(?:-([0-9]{1,4}))?", part)
        if bounds is None:
            raise ValueError(f"{cores!r} is not a list of cores: write 0-3 or 4,5")
        found.update(range(int(bounds[1]), int(bounds[2] or bounds[1]) + 1))
    if not found:
        raise ValueError(f"{cores!r} names no core: write 0-3 or 4,5")
    return sorted(found)


def of_cores(name: str) -> dict[int, str | None]:
    """The content of a cpufreq file by core, from the policies' folders or the cores' own."""
    root = agent.ROOT / CPUS
    found: dict[int, str | None] = {}
    for folder in [*sorted(root.glob("cpufreq/policy*")), *sorted(root.glob("cpu[0-9]*/cpufreq"))]:
        own = re.search(r"(?:policy|cpu)([0-9]+)", folder.relative_to(root).as_posix().replace("cpufreq", ""))
        if own is None:
            continue
        try:
            cores = listed(text(folder / "related_cpus") or own[1])
        except ValueError:
            cores = [int(own[1])]
        for core in cores:
            found[core] = found.get(core) or text(folder / name)
    return found


def numbers_of_cores(name: str) -> dict[int, int | None]:
    """The same for a file that holds a number."""
    values = of_cores(name).items()
    return {core: int(value) if value and re.fullmatch(r"[0-9]{1,12}", value) else None for core, value in values}


def in_words(values: dict[int, str | None] | dict[int, int | None]) -> str | None:
    """One value if all cores share it, else each value with its cores; None where nothing is known."""
    groups: dict[str, list[int]] = {}
    for core, value in values.items():
        groups.setdefault("unknown" if value is None else str(value), []).append(core)
    if not {*groups} - {"unknown"}:
        return None
    if len(groups) == 1:
        return next(iter(groups))
    return ", ".join(f"{value} (cores {span(cores)})" for value, cores in sorted(groups.items(), key=lambda g: g[1]))
