"""Locks on files between processes, which the kernel releases when their holder dies.

A network file system needs a descriptor that is open for writing, and some have no locks at all, or grant every one. In
that case a command reports it once and continues: this is safe unless a second command uses the same folder.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

SIGNED_WITHIN = 1.0  # seconds that a holder needs at most to write its name, after it has locked the file
HELD = (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES)  # another process holds the lock
NONE = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL, errno.EBADF, errno.EIO)
_reported: set[str] = set()  # folders without locks that this process has reported
_tested: set[int] = set()  # file systems whose locks this process has tested


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Holds the lock file at `path`, and writes the holder into it; reports which process it waits for."""
    with open(path, "a+") as file:
        probe(path.parent)
        if not take(file, fcntl.LOCK_EX | fcntl.LOCK_NB):
            name = holder(path)
            if not take(file, fcntl.LOCK_EX | fcntl.LOCK_NB):
                say(f"waiting for {name}: {path.parent}")
                take(file, fcntl.LOCK_EX)
        sign(file)
        try:
            yield
        finally:
            empty(file)  # so that this process is not taken for the next holder, which has not signed yet


def take(file: IO[Any], operation: int) -> bool:
    """Locks an open file. Returns False if another process holds the lock and the operation does not wait."""
    try:
        fcntl.flock(file, operation)
    except OSError as error:
        if error.errno in HELD:
            return False
        if error.errno not in NONE:
            raise
        _report(Path(file.name).parent, error.strerror or "")
    return True


def sign(file: IO[Any]) -> None:
    """Writes the holder into a lock file, which must be open for writing."""
    empty(file)
    with contextlib.suppress(OSError):  # for example a full disk: the lock still holds
        os.pwrite(file.fileno(), f"process {os.getpid()} on {platform.node()}\n".encode(), 0)


def holder(path: Path) -> str:
    """Which process holds a locked file, by what the file says; one that has just locked it is given time to sign."""
    end = time.monotonic() + SIGNED_WITHIN
    with contextlib.suppress(OSError), open(path, encoding="utf-8", errors="replace") as file:
        while not (line := file.readline(200)).endswith("\n") and time.monotonic() < end:
            time.sleep(0.01)
            file.seek(0)
        name = line.strip()
        if line.endswith("\n") and name.isprintable() and name:
            return name
    return "another process"


def empty(file: IO[Any]) -> None:
    """Removes the holder's name from a lock file."""
    with contextlib.suppress(OSError):
        os.ftruncate(file.fileno(), 0)


def probe(folder: Path) -> None:
    """Tests once per file system whether a lock excludes a second descriptor; reports if it does not."""
    with contextlib.suppress(OSError):
        device = os.stat(folder).st_dev
        if device in _tested:
            return
        _tested.add(device)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".locks.") as first, open(first.name, "r+b") as second:
            fcntl.flock(first, fcntl.LOCK_EX | fcntl.LOCK_NB)
            try:
                fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return
            _report(folder, "one was granted twice")


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _report(folder: Path, reason: str) -> None:
    """Reports once per `runs` folder."""
    where = str(folder.parent.parent)
    if where not in _reported:
        _reported.add(where)
        say(
            f"{where} has no file locks ({reason}): the command continues, but do not start a second one in this folder"
        )
