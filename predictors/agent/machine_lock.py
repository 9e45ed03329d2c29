"""A lock that allows one measurement at a time on a machine, shared by all users and processes.

The operating system releases it when the process ends, however it ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import getpass
import json
import os
import stat
import time
from typing import Any

PLACES = ("/tmp", "/var/tmp", "/dev/shm", "~/.cache")  # the first where the file can be opened
NAME = "lutra.lock"


class MachineLock:
    """A lock that is held until the process ends."""

    def __init__(self) -> None:
        self.file: int | None = None

    def take(self) -> dict[str, Any]:
        """{} if the lock is ours now, {"busy": {"pid", "user", "seconds"}} if another process holds it.

        {"unlocked": reason} if this machine does not support such locks.
        """
        if self.file is not None:
            return {}
        try:
            file = _open()
        except OSError as error:
            return {"unlocked": str(error)}
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _holder(file)
            os.close(file)
            return {"busy": holder}
        except OSError as error:
            os.close(file)
            return {"unlocked": str(error)}
        self.file = file
        with contextlib.suppress(OSError):  # another user's file, which we may lock but not write
            os.ftruncate(file, 0)
            os.pwrite(file, json.dumps({"pid": os.getpid(), "user": _user(), "since": time.time()}).encode(), 0)
        return {}


def _open() -> int:
    """Opens the lock file, creating it if needed; the environment variable LUTRA_LOCK overrides its path."""
    chosen = os.environ.get("LUTRA_LOCK")
    paths = [chosen] if chosen else [os.path.join(os.path.expanduser(place), NAME) for place in PLACES]
    wrong: list[str] = []
    for path in paths:
        try:
            return _opened(path)
        except OSError as error:
            wrong.append(f"{path}: {error.strerror}")
    raise OSError("; ".join(wrong))


def _opened(path: str) -> int:
    flags = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    for access in (os.O_RDWR, os.O_RDONLY, os.O_RDWR | os.O_CREAT | os.O_EXCL, os.O_RDWR):
        try:
            file = os.open(path, access | flags, 0o666)
        except (PermissionError, FileNotFoundError, FileExistsError) as error:
            last: OSError = error
            continue
        if not stat.S_ISREG(os.fstat(file).st_mode):
            os.close(file)
            raise OSError(f"{path} is not a regular file")
        if access & os.O_CREAT:
            os.fchmod(file, 0o666)
        return file
    raise last


def _holder(file: int) -> dict[str, Any]:
    """What the file says about the process that holds the lock."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        holder = json.loads(os.pread(file, 999, 0))
        seconds = max(0.0, time.time() - holder["since"])
        return {"pid": int(holder["pid"]), "user": str(holder["user"]), "seconds": seconds}
    return {"pid": None, "user": None, "seconds": None}


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return str(os.getuid())
