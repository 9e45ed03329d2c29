"""Decoded images in a memory-mapped file: the next command starts at once, and images need not fit in memory.

`images.npy` is written in parts, hashed, and renamed when complete; `images.json` beside it has its sha256, which every
process that reads the file checks once.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import platform
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from experiments.data import room
from experiments.store import disk, locks
from search_spaces.documents import read_sealed, sealed
from search_spaces.errors import LutraError

Put = Callable[[int, np.ndarray], None]  # (first row, images uint8 [n, H, W, C]) -> None
Shape = tuple[int, int, int, int]  # N, H, W, C
HOST = platform.node()
NAME, RECORD, SCHEMA = "images.npy", "images.json", "lutra/images/1"


def stored(root: str, key: Any, shape: Shape, fill: Callable[[Put], None]) -> Tensor:
    """uint8 [N, C, H, W]: the images that `fill(put)` puts, from the file of this `key` below `root` if it exists.

    Without a root the images are held in memory. `fill` puts every row. Raises LutraError before anything is read if
    neither the disk nor memory has room.
    """
    made_from = json.loads(json.dumps([key, shape]))
    folder = Path(root).expanduser() / disk.digest(made_from)[:16] if root else None
    try:
        if folder is None or not (folder / RECORD).exists():
            if room.check(shape, folder) is None:
                return _in_memory(shape, fill)
            assert folder is not None
            with disk.disk_errors(folder):
                folder.mkdir(parents=True, exist_ok=True)
                with locks.exclusive(folder / ".lock"):
                    if not (folder / RECORD).exists():
                        _sweep(folder)
                        _write(folder, made_from, shape, fill)
        return _mapped(folder, made_from, shape)
    except (MemoryError, OSError) as error:
        if isinstance(error, OSError) and error.errno != errno.ENOMEM:
            raise
        memory = room.memory_left()
        raise LutraError(room.too_many(shape, "", memory, memory)) from error


def _in_memory(shape: Shape, fill: Callable[[Put], None]) -> Tensor:
    images = np.empty(shape, np.uint8)

    def put(first: int, part: np.ndarray) -> None:
        images[first : first + len(part)] = part

    fill(put)
    return torch.from_numpy(images).permute(0, 3, 1, 2)


def _write(folder: Path, made_from: Any, shape: Shape, fill: Callable[[Put], None]) -> None:
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    name = folder / f".{NAME}.{HOST}.{os.getpid()}"
    try:
        with open(name, "w+b") as file:
            np.lib.format.write_array_header_1_0(file, header)
            file.flush()
            start, each = file.tell(), int(np.prod(shape[1:]))
            os.truncate(file.fileno(), start + shape[0] * each)
            fill(lambda first, part: _put(file.fileno(), np.ascontiguousarray(part, np.uint8), start + first * each))
            disk.sync(file.fileno())
            file.seek(0)
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        os.replace(name, folder / NAME)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
    disk.write(folder / RECORD, sealed({"schema": SCHEMA, "made_from": made_from, "images": sha256}))


def _put(handle: int, part: np.ndarray, offset: int) -> None:
    left = memoryview(part.tobytes())
    while left:
        done = os.pwrite(handle, left, offset)
        left, offset = left[done:], offset + done


@cache
def _verified(path: Path, expected: str, stamp: tuple[int, ...]) -> bool:
    """Whether a file has this hash; an unchanged file is read once per process."""
    return disk.sha256(path) == expected


def _mapped(folder: Path, made_from: Any, shape: Shape) -> Tensor:
    """The images from a file. Raises LutraError if it is damaged, or was made from something else."""
    again = f"delete {folder} and run the same command again"
    path = folder / NAME
    try:
        record = read_sealed(folder / RECORD)
    except LutraError as error:
        raise LutraError(f"{error}; {again}") from None
    if (record.get("schema"), record.get("made_from")) != (SCHEMA, made_from):
        raise LutraError(f"{folder} holds other images than its name says: {again}")
    if path.is_file() and _verified(path, record["images"], _stamp(path)):
        images = np.load(path, mmap_mode="r", allow_pickle=False)
        if images.shape == shape and images.dtype == np.uint8:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # torch warns that it is read-only, which is intended
                return torch.from_numpy(images).permute(0, 3, 1, 2)
    raise LutraError(f"{path} is missing, or was changed since it was made: {again}")


def _stamp(path: Path) -> tuple[int, ...]:
    """A stamp that changes when the file is written to."""
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino


def _sweep(folder: Path) -> None:
    """Removes files of killed processes of this machine; other machines may share the folder."""
    for left in folder.glob(f".{NAME}.{HOST}.*"):
        try:
            os.kill(int(left.suffix[1:]), 0)
        except (ProcessLookupError, ValueError):
            left.unlink(missing_ok=True)
        except PermissionError:  # another user's, and alive
            continue
