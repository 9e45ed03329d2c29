"""Locks between processes: on files, so that the kernel lets go of them whenever their holder dies.

A network file system wants a descriptor that is open for writing, and some have no locks at all, or grant every one.
There a command says so once and goes on: it is right as long as no second one works in the same folder.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

HELD = (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES)  # another process has the lock
NONE = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL, errno.EBADF, errno.EIO)
_told: set[str] = set()  # folders without locks that this process has spoken of
_tested: set[int] = set()  # file systems whose locks this process has tried


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Holds the lock file at `path`, which names its holder meanwhile; says for whom it waits."""
    with open(path, "a+") as file:
        probe(path.parent)
        if not take(file, fcntl.LOCK_EX | fcntl.LOCK_NB):
            say(f"waiting for {holder(path)}: {path.parent}")
            take(file, fcntl.LOCK_EX)
        sign(file)
        yield


def take(file: IO[Any], operation: int) -> bool:
    """Locks an open file. False where another process has it, and the operation says not to wait."""
    try:
        fcntl.flock(file, operation)
    except OSError as error:
        if error.errno in HELD:
            return False
        if error.errno not in NONE:
            raise
        _tell(Path(file.name).parent, error.strerror or "")
    return True


def sign(file: IO[Any]) -> None:
    """Writes into a lock file, open for writing, who holds it."""
    with contextlib.suppress(OSError):  # a full disk: the lock holds all the same
        os.ftruncate(file.fileno(), 0)
        os.pwrite(file.fileno(), f"process {os.getpid()} on {platform.node()}\n".encode(), 0)


def holder(path: Path) -> str:
    """Who holds a lock file, as far as it says."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            line = file.readline(200).strip()
    except OSError:
        line = ""
    return line if line.isprintable() and line else "another process"


def probe(folder: Path) -> None:
    """Tries once for each file system whether a lock keeps a second descriptor out; says so where it does not."""
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
            _tell(folder, "one was granted twice")


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _tell(folder: Path, reason: str) -> None:
    """Once for each kind of folder: the many of one `runs` share a line."""
    where = str(folder.parent.parent)
    if where not in _told:
        _told.add(where)
        say(f"{where} has no file locks ({reason}): the work goes on, but start no second command on this folder")
