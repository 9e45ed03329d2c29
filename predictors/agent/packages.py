"""numpy and a runtime on the board: finds a Python that has them, or installs them.

Installations that cannot succeed are refused before pip runs.
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
from typing import Any

Run = Callable[[list[str]], "tuple[int, str]"]  # command -> exit code and output
OLDEST_PYTHON = (3, 9)
PIP = ("-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--only-binary", ":all:")
ANY = "any"  # version: whatever is installed
REASONS = (  # causes in the output of pip and venv that no line beginning with ERROR states as clearly
    r"Failed to establish a new connection: [^'\"\n]*|Temporary failure in name resolution|CERTIFICATE_VERIFY_FAILED"
    r"|(Connection|Read|Connect)Timeout\w*|Cannot connect to proxy[^'\"\n]*",
    r"ensurepip is not\s+available|No module named '?(venv|ensurepip|pip)\b'?",
    r"[^\n]*(No space left on device|Disk quota exceeded|Read-only file system)[^\n]*",
)


class Impossible(ValueError):
    """No command typed on the board could install the packages there."""


def python_with(
    home: Path, runtime: Any, version: str, chosen: bool, run: Run, alive: Callable[[], None]
) -> tuple[str, list[str]]:
    """A Python on the board with numpy and this version of a runtime, installed in `home` if needed; and notes.

    `runtime` is one of `predictors.agent.runtimes`, `version` may be "any". Unless the user has `chosen` it, an older
    version is accepted: the newest one for an old Python, or the installed one where installing fails. Raises
    ValueError with the reason where no such Python can be provided, Impossible where none can exist.
    """
    package = runtime.PACKAGE
    wanted = version if chosen else _for_this_python(runtime, version)
    notes = [f"using {package} {wanted}: {version} has no wheel for this Python"] if wanted != version else []
    own = home / virtual_environment(package, wanted) / "bin" / "python"
    found = {}
    for python in dict.fromkeys([str(own), sys.executable]):
        there = _version(runtime, python, run) if os.path.exists(python) else None
        if there is not None and platform.machine().lower() in runtime.BROKEN.get(there, ()):
            notes.append(f"not using {package} {there} of {python}: it crashes on some ARM processors")
        elif there is not None:
            found[python] = there
    for python, there in found.items():
        if wanted in (ANY, there) or python == str(own):
            return python, notes
    try:
        _install(own, runtime, wanted, run, alive)
        return str(own), notes
    except ValueError as error:
        if chosen or not found:
            raise
        python, there = next(iter(found.items()))
        return python, [*notes, f"using {package} {there}, because {wanted} could not be installed: {error}"]


def virtual_environment(package: str, version: str) -> str:
    """The folder's name. That of onnxruntime does not name the package: older versions of Lutra named it so."""
    own = "" if package == "onnxruntime" else f"{package}-"
    return f"venv-{own}{version.replace('*', 'x')}"


def _for_this_python(runtime: Any, version: str) -> str:
    newest = runtime.NEWEST_FOR.get(sys.version_info[:2])
    return f"{newest[0]}.{newest[1]}.*" if newest and version != ANY and _numbers(version) > newest else version


def _look(runtime: Any) -> str:
    return f"import numpy, {runtime.MODULE}; print('found', {runtime.MODULE.split('.')[0]}.__version__)"


def _version(runtime: Any, python: str, run: Run) -> str | None:
    code, output = run([python, "-c", _look(runtime)])
    version = re.search(r"^found (\S{1,40})$", output, re.MULTILINE)
    return version[1] if code == 0 and version else None


def _install(python: Path, runtime: Any, version: str, run: Run, alive: Callable[[], None]) -> None:
    """Makes the virtual environment, one process at a time. Raises ValueError with the reason where that fails."""
    if reason := impossible(runtime, version):
        raise Impossible(reason)
    venv = python.parents[1]
    with open(f"{venv}.lock", "w") as lock:
        while not _locked(lock.fileno()):
            alive()
            time.sleep(0.1)
        if python.exists() and _version(runtime, str(python), run):
            return  # the previous holder of the lock has installed it
        working = ",".join(f"!={broken}" for broken in runtime.BROKEN)
        pinned = f"{runtime.PACKAGE}{working}" if version == ANY else f"{runtime.PACKAGE}=={version}"
        make, look = [sys.executable, "-m", "venv", "--clear", str(venv)], [str(python), "-c", _look(runtime)]
        for command in (make, [str(python), *PIP, "numpy", pinned], look):
            code, output = run(command)
            if code != 0:
                what = "importing them" if command is look else " ".join(command[1:3])
                raise ValueError(reason_in(output) or f"{what} {_ending(code)}")


def _ending(code: int) -> str:
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


def _locked(file: int) -> bool:
    """Whether the lock is ours now; also True where the file system has no locks."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        pass
    return True


def impossible(runtime: Any, version: str) -> str | None:
    """The reason why the runtime has no wheel for this Python; None where it may have one."""
    package, bits = runtime.PACKAGE, 8 * struct.calcsize("P")
    machine, libc = platform.machine(), platform.libc_ver()
    python = f"Python {platform.python_version()}"
    if bits != 64:
        return (
            f"{python} is a {bits}-bit program (the kernel says {machine}), but {package} has 64-bit builds only: "
            "install a 64-bit system"
        )
    if machine.lower() not in runtime.WHEELS:
        return f"{package} is not built for {machine} processors"
    if sys.version_info[:2] < OLDEST_PYTHON:
        return f"{python} is too old (3.9 or newer is needed): set device.python"
    if "musl" in str(sysconfig.get_config_var("HOST_GNU_TYPE")):
        return f"{package} is not built for systems with musl, such as Alpine: install one with glibc, such as Debian"
    if libc[0] == "glibc" and _numbers(libc[1]) < runtime.OLDEST_GLIBC:
        oldest = ".".join(map(str, runtime.OLDEST_GLIBC))
        return f"glibc {libc[1]} is too old for {package} ({oldest} or newer is needed): install a newer system"
    if machine.lower() in runtime.BROKEN.get(version, ()):
        return f"{package} {version} crashes on some ARM processors: set device.runtime to another version"
    if platform.python_implementation() != "CPython":
        return f"{package} is not built for {platform.python_implementation()}: set device.python"
    return None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"[0-9]+", version)[:2])


def reason_in(output: str) -> str | None:
    """The reason for a command's failure in its output; skips notices and lines that only follow from the reason."""
    for pattern in REASONS:
        if reason := re.search(pattern, output):
            return " ".join(reason[0].split())
    lines = [line.strip() for line in output.split("\n") if line.strip()]
    if errors := [line for line in lines if re.match(r"(ERROR|error|\w*Error)\b", line)]:
        return errors[-1]
    rest = [line for line in lines if not re.match(r"\[notice\]|WARNING|DEPRECATION|note:|hint:|\[end of", line)]
    return rest[-1] if rest else None
