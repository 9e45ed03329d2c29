"""Atomic writes, CSV and hashes; a full or read-only disk becomes a one-line error."""

from __future__ import annotations

import contextlib
import csv
import errno
import hashlib
import io
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from search_spaces import documents
from search_spaces.errors import LutraError

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
FORBIDDEN = (errno.EACCES, errno.EROFS, errno.EPERM)
NO_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EROFS)  # on some network file systems
FORMULA = ("=", "+", "-", "@")  # the first characters of a spreadsheet formula
UNFINISHED = ".lutra-tmp"  # ends the names of files that are being written
TEMPORARY = f".*{UNFINISHED}"
declared: set[Path] = set()  # the files that this process has written


def write(path: Path, data: bytes | str) -> None:
    """Writes a file atomically. Raises LutraError if the disk is full."""
    content = data.encode() if isinstance(data, str) else data
    with disk_errors(path, len(content)):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=UNFINISHED)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                sync(file.fileno())
            with contextlib.suppress(PermissionError):  # file systems without modes
                os.chmod(name, 0o644)
            os.replace(name, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            sync(folder)
        finally:
            os.close(folder)
    declare(path)


def declare(path: Path) -> None:
    """Adds a file to the outputs of the step in whose folder it is. `write` does this for every file."""
    declared.add(path)


def sync(descriptor: int) -> None:
    """Waits until a file or folder is on the disk, if the file system supports it."""
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in NO_SYNC:
            raise


@contextlib.contextmanager
def disk_errors(path: Path, size: int = 0) -> Iterator[None]:
    """Turns errors of a full or read-only disk into one line. For code that only writes."""
    try:
        with full_disk(path, size):
            yield
    except OSError as error:
        if error.errno not in FORBIDDEN:
            raise
        raise LutraError(f"cannot write {path}: {error.strerror}; choose another folder with runs=FOLDER") from error


@contextlib.contextmanager
def full_disk(path: Path, size: int = 0) -> Iterator[None]:
    """Turns errors of a full disk into one line."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        need = f"{size / 1e6:.1f} MB needed at" if size else "no space at"
        raise LutraError(f"disk full: {need} {path}; free some and run the same command again") from error


def write_csv(path: Path, rows: list[dict[str, Any]], columns: Sequence[str] = ()) -> None:
    write(path, csv_text(rows, columns))


def csv_text(rows: list[dict[str, Any]], columns: Sequence[str] = ()) -> str:
    """Rows as CSV; `columns` are needed where there may be no row.

    Cells never look like formulas to a spreadsheet, even with names from a board or a user.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, columns or list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({column: _no_formula(value) for column, value in row.items()} for row in rows)
    return text.getvalue()


def _no_formula(value: Any) -> Any:
    """Puts a quote before text that a spreadsheet would compute."""
    if isinstance(value, str) and value.lstrip().startswith(FORMULA):
        try:
            float(value)
        except ValueError:
            return f"'{value}"
    return value


def sha256(path: Path) -> str:
    """The hash of a regular file. Raises LutraError if it cannot be read."""
    with documents.opened(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest(value: Any) -> str:
    """The hash of a JSON value, such as a step's key; independent of the order of an object's fields."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
