"""The runtimes that execute a network's file on the board: one file each, all with the same names in it.

`PACKAGE`, `MODULE`: what pip installs, and what Python imports. `SUFFIX`: of its files. `WHEELS`, `OLDEST_GLIBC`: the
processors and the C libraries that it is built for. `NEWEST_FOR`: the newest version with wheels for an old Python;
newer ones have the newest. `BROKEN`: versions that crash, and on which processors. `version()`: of what is installed.
`open_file(file, threads)`: a file by its bytes or its path, ready to run, as the two functions of `Opened`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from predictors.agent.runtimes import litert, onnxruntime

RUNTIMES: dict[str, Any] = {"onnxruntime": onnxruntime, "litert": litert}
SUFFIXES = tuple(runtime.SUFFIX for runtime in RUNTIMES.values())


class Opened(NamedTuple):
    """A loaded file."""

    run: Callable[[], object]  # one inference on one random image: input in, output out
    outputs: Callable[[Any], Any]  # images [N, C, H, W] float32 -> the first output, [N, ...] float32


def open_file(runtime: str, file: bytes | str, threads: int) -> Opened:
    """Raises what the runtime raises where the file is not one of its own."""
    return Opened(*RUNTIMES[runtime].open_file(file, threads))
