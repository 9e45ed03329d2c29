"""Starts processes that never outlive the agent, and neither do the processes that they start.

A command runs under a keeper, a process between the agent and the command. The keeper holds one end of a pipe whose
other end only the agent holds, so it notices when the agent dies, whatever the cause. On Linux, orphans of the command
become children of the keeper, so it finds them all; elsewhere it kills the command's process group.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

SET_PDEATHSIG, SET_CHILD_SUBREAPER = 1, 36  # options of Linux's prctl
GIVE_UP = 10.0  # seconds to wait for a process that does not die


def run(program: str, command: list[str], alive: Callable[[], None], file: Any = subprocess.DEVNULL) -> tuple[int, str]:
    """Runs a command; returns its exit code and the end of its output (at most 1 MiB).

    `alive` is called repeatedly while the command runs; an exception from it ends the command. `program` is the agent's
    own file or folder, which starts the keeper.
    """
    reading, writing = os.pipe()
    with tempfile.TemporaryFile() as output:
        try:
            keeper = subprocess.Popen(
                [sys.executable, program, "keep", str(reading), *command],
                stdin=file,
                stdout=output,
                stderr=output,
                pass_fds=[reading],
                start_new_session=True,
            )
        except OSError as error:
            os.close(writing)
            return 127, str(error)
        finally:
            os.close(reading)
        try:
            while keeper.poll() is None:
                alive()
                time.sleep(0.05)
        finally:
            os.close(writing)  # the keeper then kills whatever still runs
            with contextlib.suppress(subprocess.TimeoutExpired):
                keeper.wait(GIVE_UP)
            keeper.kill()
            keeper.wait()
        output.seek(max(0, output.seek(0, os.SEEK_END) - 2**20))
        return keeper.returncode, output.read().decode(errors="replace")


def keep(alive: int, command: list[str]) -> None:
    """The keeper: runs the command and exits as it did; kills everything on a signal or when `alive` closes."""
    stopped: list[int] = []
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, lambda number, frame: stopped.append(number))
    _prctl(SET_CHILD_SUBREAPER, 1)
    try:
        process = subprocess.Popen(command, preexec_fn=die_with_parent, start_new_session=True)
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")
    while process.poll() is None and not stopped:
        with contextlib.suppress(OSError):
            if select.select([alive], [], [], 0.02)[0]:
                break
    code = process.poll()
    with contextlib.suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)
    end = time.monotonic() + GIVE_UP
    while time.monotonic() < end and _reap():
        for child in _children():
            with contextlib.suppress(OSError):
                os.kill(child, signal.SIGKILL)
        time.sleep(0.002)
    if code is not None and code < 0:
        with contextlib.suppress(OSError):  # SIGKILL has no handler to reset
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(1 if code is None else code)


def die_with_parent() -> None:
    """Called in a new child: on Linux, the kernel kills it when its parent dies."""
    _prctl(SET_PDEATHSIG, signal.SIGKILL)


def _prctl(option: int, value: int) -> None:
    if _libc is not None:
        _libc.prctl(option, value, 0, 0, 0)


def _reap() -> bool:
    """Reaps children that have ended; returns whether any are left."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
        return True
    return False


def _children() -> Iterator[int]:
    """The process ids of this process's children; none where there is no /proc."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            if int(path.read_bytes().rsplit(b")", 1)[1].split()[1]) == os.getpid():
                yield int(path.parent.name)


def _load_libc() -> Any:
    """Linux's C library; None on other systems, and in a Python without ctypes."""
    try:
        import ctypes

        return ctypes.CDLL(None) if sys.platform == "linux" else None
    except Exception:  # measuring works without it
        return None


_libc = _load_libc()
