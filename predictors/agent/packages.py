"""numpy and onnxruntime on the board: which Python has them, and how they are installed where none has.

What can be known beforehand to be impossible is said before pip runs.
"""

from __future__ import annotations

import fcntl
import os
import platform
import re
import signal
import struct
import sys
import sysconfig
import time
from collections.abc import Callable
from pathlib import Path

Run = Callable[[list[str]], "tuple[int, str]"]  # a command -> its exit code and output
OLDEST_PYTHON = (3, 9)
NEWEST_RUNTIME = {(3, 9): (1, 19), (3, 10): (1, 23)}  # with wheels for these Pythons; newer Pythons have the newest
WHEELS = ("x86_64", "amd64", "aarch64", "arm64")  # processors for which onnxruntime is built
OLDEST_GLIBC = (2, 27)
BROKEN = {"1.21.0": ("aarch64", "arm64")}  # ends with SIGILL on a Raspberry Pi 4: microsoft/onnxruntime issue 23957
LOOK = "import sys, numpy, onnxruntime; print('found', onnxruntime.__version__)"
PIP = ("-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--only-binary", ":all:")
ANY = "any"
REASONS = (  # in what pip and venv print, for what happens without a line that begins with ERROR or that says less
    r"Failed to establish a new connection: [^'\"\n]*|Temporary failure in name resolution|CERTIFICATE_VERIFY_FAILED"
    r"|(Connection|Read|Connect)Timeout\w*|Cannot connect to proxy[^'\"\n]*",
    r"ensurepip is not\s+available|No module named '?(venv|ensurepip|pip)\b'?",
    r"[^\n]*(No space left on device|Disk quota exceeded|Read-only file system)[^\n]*",
)


class Impossible(ValueError):
    """No command that could be typed on the board would install the packages there."""


def python_with(home: Path, runtime: str, chosen: bool, run: Run, alive: Callable[[], None]) -> tuple[str, list[str]]:
    """A Python of the board with numpy and this onnxruntime, installed in `home` where none is; and what to tell.

    `runtime` is a version, or "any" for whatever is there. Unless the user has `chosen` it, the newest one for an old
    Python, or what is there and cannot be replaced, will do. Raises ValueError with the reason where there is none,
    Impossible where there can be none.
    """
    wanted = runtime if chosen else _for_this_python(runtime)
    notes = [f"onnxruntime {wanted} is used: {runtime} has no wheel for its Python"] if wanted != runtime else []
    own = home / f"venv-{wanted.replace('*', 'x')}" / "bin" / "python"
    found = {}
    for python in dict.fromkeys([str(own), sys.executable]):
        version = _version(python, run) if os.path.exists(python) else None
        if version is not None and platform.machine().lower() in BROKEN.get(version, ()):
            notes.append(f"onnxruntime {version} of {python} is not used: it crashes on some ARM processors")
        elif version is not None:
            found[python] = version
    for python, version in found.items():
        if wanted in (ANY, version) or python == str(own):
            return python, notes
    try:
        _install(own, wanted, run, alive)
        return str(own), notes
    except ValueError as error:
        if chosen or not found:
            raise
        python, version = next(iter(found.items()))
        return python, [*notes, f"onnxruntime {version} is used, as {wanted} could not be installed: {error}"]


def _for_this_python(runtime: str) -> str:
    newest = NEWEST_RUNTIME.get(sys.version_info[:2])
    return f"{newest[0]}.{newest[1]}.*" if newest and runtime != ANY and _numbers(runtime) > newest else runtime


def _version(python: str, run: Run) -> str | None:
    code, output = run([python, "-c", LOOK])
    version = re.search(r"^found (\S{1,40})$", output, re.MULTILINE)
    return version[1] if code == 0 and version else None


def _install(python: Path, runtime: str, run: Run, alive: Callable[[], None]) -> None:
    """Makes the virtual environment, one process at a time. Raises ValueError with the reason where that fails."""
    if reason := impossible(runtime):
        raise Impossible(reason)
    venv = python.parents[1]
    with open(f"{venv}.lock", "w") as lock:
        while not _locked(lock.fileno()):
            alive()
            time.sleep(0.1)
        if python.exists() and _version(str(python), run):
            return  # whoever had the lock before has installed it
        pinned = "onnxruntime!=1.21.0" if runtime == ANY else f"onnxruntime=={runtime}"
        make = [sys.executable, "-m", "venv", "--clear", str(venv)]
        for command in (make, [str(python), *PIP, "numpy", pinned], [str(python), "-c", LOOK]):
            code, output = run(command)
            if code != 0:
                what = "importing them" if command[-1] == LOOK else " ".join(command[1:3])
                raise ValueError(reason_in(output) or f"{what} {_ending(code)}")


def _ending(code: int) -> str:
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


def _locked(file: int) -> bool:
    """Whether the lock is ours now; where there are no locks, nobody is waited for."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        pass
    return True


def impossible(runtime: str) -> str | None:
    """Why onnxruntime has no wheel for this Python here; None where it may have one."""
    bits, version = 8 * struct.calcsize("P"), sys.version_info[:2]
    machine, libc = platform.machine(), platform.libc_ver()
    told = f"Python {platform.python_version()}"
    if bits != 64:
        return (
            f"{told} is a {bits}-bit program (the kernel says {machine}) and onnxruntime has 64-bit builds alone: "
            "install a 64-bit system"
        )
    if machine.lower() not in WHEELS:
        return f"onnxruntime is not built for {machine} processors"
    if version < OLDEST_PYTHON:
        return f"{told} is too old, 3.9 is the oldest: set device.python"
    if "musl" in str(sysconfig.get_config_var("HOST_GNU_TYPE")):
        return "onnxruntime is not built for systems with musl, such as Alpine: install one with glibc, such as Debian"
    if libc[0] == "glibc" and _numbers(libc[1]) < OLDEST_GLIBC:
        return f"glibc {libc[1]} is too old for onnxruntime, 2.27 is the oldest: install a newer system"
    if machine.lower() in BROKEN.get(runtime, ()):
        return f"onnxruntime {runtime} crashes on some ARM processors: set device.runtime to another version"
    if platform.python_implementation() != "CPython":
        return f"onnxruntime is not built for {platform.python_implementation()}: set device.python"
    return None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"[0-9]+", version)[:2])


def reason_in(output: str) -> str | None:
    """Why a command failed, of all that it printed: not a notice, nor what merely follows from the reason."""
    for pattern in REASONS:
        if told := re.search(pattern, output):
            return " ".join(told[0].split())
    lines = [line.strip() for line in output.split("\n") if line.strip()]
    if errors := [line for line in lines if re.match(r"(ERROR|error|\w*Error)\b", line)]:
        return errors[-1]
    rest = [line for line in lines if not re.match(r"\[notice\]|WARNING|DEPRECATION|note:|hint:|\[end of", line)]
    return rest[-1] if rest else None
