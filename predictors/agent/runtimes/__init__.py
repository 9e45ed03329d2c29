"""The runtimes that execute a network's file on the board. Each is one file that defines the same names:

`PACKAGE`, `MODULE`: the names for pip and for import. `SUFFIX`: of its files. `WHEELS`, `OLDEST_GLIBC`: the processors
and the C library that it is built for. `NEWEST_FOR`: the newest version with wheels for an old Python; newer Pythons
have the newest version. `BROKEN`: versions that crash, and the processors on which they do. `version()`: the installed
version. `owns(file)`: whether bytes are in its format. `open_file(file, threads)`: opens a file, given as bytes or
path, and returns the two functions of `Opened`. `interface(file, threads)`: returns the three parts of `Interface`.
`profile(file, threads, seconds, alive)`: yields each operator's name, kind and seconds, and calls `alive` meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from predictors.agent.runtimes import litert, onnxruntime

RUNTIMES: dict[str, Any] = {"onnxruntime": onnxruntime, "litert": litert}
SUFFIXES = tuple(runtime.SUFFIX for runtime in RUNTIMES.values())


def runtime_of_file(file: bytes) -> str:
    """The name of the runtime whose format the bytes have."""
    return next(name for name, runtime in RUNTIMES.items() if runtime.owns(file))


class Opened(NamedTuple):
    """An opened file."""

    run: Callable[[], object]  # one inference on a random image
    # images [N, C, H, W], normalised or, for a file that takes uint8, pixels -> the first output, [N, ...] float32
    outputs: Callable[[Any], Any]


class Interface(NamedTuple):
    """The inputs and outputs of a file, whatever its runtime."""

    inputs: list[tuple[list[Any], str]]  # shapes, [N, C, H, W] of images, and types as NumPy calls them
    outputs: list[list[Any]]  # shapes
    answer: Callable[[Any], Any]  # images -> the first output


def interface(file: bytes, threads: int) -> Interface:
    """Raises the runtime's own exception if the file is damaged."""
    return Interface(*RUNTIMES[runtime_of_file(file)].interface(file, threads))


def open_file(runtime: str, file: bytes | str, threads: int) -> Opened:
    """Raises the runtime's own exception if the file is not valid."""
    return Opened(*RUNTIMES[runtime].open_file(file, threads))
