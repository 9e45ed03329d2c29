"""Files that survive: whole or not at all, with a manifest that says what they were made from.

A step's folder is named by the hash of its configuration and of the files it reads, so that the same command finds its
finished steps again, and another configuration never overwrites them.
"""

from __future__ import annotations

import contextlib
import csv
import errno
import fcntl
import hashlib
import io
import json
import os
import platform
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from search_spaces.errors import LutraError

MANIFEST = "manifest.json"
CHECKPOINT = ".checkpoint"  # of a step under way; gone when it is finished
KEYS = {"step", "config", "inputs", "outputs", "seconds", "git_commit"}  # that every manifest has
listeners: list[Callable[[Path], None]] = []  # told the folder of every step that begins to work
RECORDED = ("torch", "torchvision", "numpy", "scikit-learn", "onnx", "onnxruntime", "hydra-core")


def write(path: Path, data: bytes | str) -> None:
    """Puts a whole file at `path` or leaves what was there. Raises LutraError when the disk is full."""
    content = data.encode() if isinstance(data, str) else data
    with disk_errors(path, len(content)):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(name, 0o644)
            os.replace(name, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)


@contextlib.contextmanager
def disk_errors(path: Path, size: int = 0) -> Iterator[None]:
    """Turns a full or forbidden disk into one line."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            need = f"{size / 1e6:.1f} MB needed at" if size else "no space at"
            raise LutraError(f"disk full: {need} {path}; free some and run the same command again") from error
        if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
            raise LutraError(
                f"cannot write {path}: {error.strerror}; choose another folder with runs=FOLDER"
            ) from error
        raise


def write_csv(path: Path, rows: list[dict[str, Any]]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write(path, text.getvalue())


def sha256(path: Path) -> str:
    with open(path, "rb") as file:  # which may be larger than memory
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest(value: Any) -> str:
    """A hash of anything JSON can say, independent of the order of keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def step(
    runs: Path,
    name: str,
    label: str,
    config: Mapping[str, Any],
    inputs: Mapping[str, str],
    work: Callable[[Path], None],
) -> Path:
    """The folder of a finished step, after `work(folder)` where it is not finished yet.

    `config` is all that the result depends on beside `inputs`: the sha256 of each file it reads. Two processes that
    want the same step do it once.
    """
    made_from = json.loads(json.dumps({"step": name, "config": config, "inputs": inputs}))
    folder = runs / name / f"{label}-{digest(made_from)[:8]}"
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with open(folder / ".lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not finished(folder):
                _sweep(folder)
                for listener in listeners:
                    listener(folder)
                start = time.monotonic()
                work(folder)
                _finish(folder, made_from, time.monotonic() - start)
    return folder


def manifest(folder: Path) -> dict[str, Any]:
    """What a finished step was made from, and the sha256 of its files."""
    try:
        record = json.loads((folder / MANIFEST).read_text())
        if KEYS - record.keys():
            raise ValueError
        return record
    except ValueError:
        raise LutraError(f"{folder / MANIFEST} is damaged; delete {folder} and run the same command again") from None


def finished(folder: Path) -> bool:
    """Whether the step ended; raises LutraError where one of its files was changed or lost since."""
    if not (folder / MANIFEST).exists():
        return False
    for file, expected in manifest(folder)["outputs"].items():
        path = folder / file
        if not path.exists() or sha256(path) != expected:
            state = "was changed" if path.exists() else "is missing"
            raise LutraError(f"{path} {state} since it was made; delete {folder} and run the same command again")
    return True


def arch_name(arch: Iterable[int]) -> str:
    """An architecture as text, in file names and tables."""
    return "-".join(map(str, arch))


def _sweep(folder: Path) -> None:
    """Removes the temporary files that a killed writer left behind."""
    for path in folder.rglob(".*.*"):
        if path.is_file():
            path.unlink()


def _finish(folder: Path, made_from: Mapping[str, Any], seconds: float) -> None:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name not in (".lock", CHECKPOINT)]
    outputs = {str(p.relative_to(folder)): sha256(p) for p in files if not p.name.startswith("events.out.")}
    versions = {"python": platform.python_version(), **{package: version(package) for package in RECORDED}}
    record = {**made_from, "outputs": outputs, "seconds": seconds, "versions": versions, "git_commit": _commit()}
    write(folder / MANIFEST, json.dumps(record, indent=1) + "\n")
    (folder / CHECKPOINT).unlink(missing_ok=True)


def _commit() -> str | None:
    """The commit of the code, with a plus where it was changed since; None outside a checkout."""
    here = Path(__file__).parent
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--abbrev=12", "--dirty=+"], cwd=here, capture_output=True, text=True
        )
    except OSError:
        return None
    return done.stdout.strip() or None
