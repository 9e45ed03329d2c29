"""Checks that decoded images fit on the disk or in memory, before the first one is read."""

from __future__ import annotations

import math
import os
import resource
import shutil
from pathlib import Path

from search_spaces.errors import LutraError

SPARED = 2**28  # bytes left for everything else
CGROUPS = (  # versions 2 and 1: the limit, and the usage
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)


def check(shape: tuple[int, int, int, int], root: Path | None) -> Path | None:
    """The folder where uint8 images [N, H, W, C] fit; None: memory. Raises LutraError if neither has room."""
    need, memory = math.prod(shape), memory_left()
    disk = 0 if root is None else disk_left(root)
    if root is not None and need + SPARED < disk:
        return root
    if need + SPARED < memory * (1 if root is None else 0.5):
        return None
    raise LutraError(too_many(shape, f"{root} has room for {_size(disk)}, " if root else "", memory, max(disk, memory)))


def too_many(shape: tuple[int, int, int, int], disk: str, memory: int, free: int) -> str:
    """What is needed, what there is, and what to do."""
    count, pixels = shape[:2]
    fits = int(pixels * math.sqrt(max(0, free - SPARED) / math.prod(shape)))
    advice = f"data.size={fits} would fit" if fits >= 8 else "use fewer images"
    return (
        f"{count:,} images of {pixels} px take {_size(math.prod(shape))}; {disk}{_size(memory)} of memory are free: "
        f"lower data.size ({advice}), or name a folder on a larger disk with data.cache=FOLDER"
    )


def disk_left(root: Path) -> int:
    """Bytes that can be written to a folder, which need not exist yet; 0 if it is not writable."""
    there = next(folder for folder in (root, *root.absolute().parents) if folder.exists())
    return shutil.disk_usage(there).free if os.access(there, os.W_OK) else 0


def memory_left() -> int:
    """Bytes of memory that this process may still use, as far as the system says."""
    page = os.sysconf("SC_PAGE_SIZE")
    left = page * os.sysconf("SC_PHYS_PAGES")
    try:
        lines = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
        left = 1024 * int(lines["MemAvailable"].split()[0])
        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        if limit != resource.RLIM_INFINITY:
            left = min(left, limit - page * int(Path("/proc/self/statm").read_text().split()[0]))
    except (OSError, KeyError, ValueError):  # not Linux
        pass
    for most, used in CGROUPS:
        try:
            left = min(left, int(Path(most).read_text()) - int(Path(used).read_text()))
        except (OSError, ValueError):  # no such limit
            continue
    return max(0, left)


def _size(count: int) -> str:
    return f"{count / 2**30:.1f} GiB"
