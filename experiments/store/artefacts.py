"""Finds or makes the folder of a step. Files are written atomically; a manifest says what they were made from.

A step's key (`MADE_FROM`) is its name, its settings, the hashes of the files that it reads, and its code's version. The
key's hash is part of the folder's name, so finished steps are found again. `versions` says what else affects a result.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from experiments.store import locks, unfinished, versions
from experiments.store.disk import (
    TEMPORARY,
    csv_text,
    declare,
    declared,
    digest,
    disk_errors,
    full_disk,
    sha256,
    write,
    write_csv,
)
from experiments.store.looking import NotMade, only_looks
from experiments.store.manifest_shape import SHAPE
from experiments.store.unfinished import CHECKPOINT, earlier
from search_spaces import documents
from search_spaces.errors import LutraError

__all__ = [
    "CHECKPOINT",
    "MANIFEST",
    "arch_name",
    "csv_text",
    "declare",
    "digest",
    "disk_errors",
    "earlier",
    "finished",
    "is_named",
    "listeners",
    "manifest",
    "reopen",
    "sha256",
    "step",
    "write",
    "write_csv",
]
MANIFEST, LOCK = "manifest.json", ".lock"
MADE_FROM = ("step", "config", "inputs")  # the manifest's fields that form the step's key
listeners: list[Callable[[Path], None]] = []  # called with the folder of every step that begins to work
_reported: set[Path] = set()  # finished steps with other versions that this process has reported


def step(
    runs: Path,
    name: str,
    label: str,
    settings: Mapping[str, Any],
    inputs: Mapping[str, str],
    work: Callable[[Path], None],
    again: Callable[[Path], bool] = lambda folder: False,
) -> Path:
    """The folder of a finished step; runs `work(folder)` if it is not finished.

    `settings` is everything that the result depends on except `inputs`, the sha256 of each file that the step reads. If
    two processes need the same step, it is done once. A finished step is only read, so it may be on a read-only disk.
    If `again(folder)` is true for a finished step, its work continues from the folder's content, and calls `reopen`.
    `label` is only the beginning of the folder's name: a step that was finished with another label is found too.
    """
    versioned = {**settings, "step_version": versions.step_version(name)}
    key = json.loads(json.dumps({"step": name, "config": versioned, "inputs": inputs}))
    folder = _folder(runs / name, label, key)
    if _usable(folder, key) and (only_looks() or not again(folder)):
        if any(map(_exists, unfinished.files(folder))):
            unfinished.remove(folder)  # a process was killed before it removed them
        return folder
    if only_looks():
        raise NotMade(f"{folder} is not finished")
    with contextlib.ExitStack() as stack:
        with disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locks.exclusive(folder / LOCK))
        if not _usable(folder, key) or again(folder):
            _remove_temporary(folder)
            for listener in listeners:
                listener(folder)
            _work(folder, key, work)
    return folder


def _folder(steps: Path, label: str, key: Mapping[str, Any]) -> Path:
    """The step's folder: that of its label, unless it was finished, or begun, in one with another label."""
    own = steps / f"{label}-{_key_hash(key)}"
    if _exists(own / MANIFEST):
        return own
    others = sorted(steps.glob(f"*-{_key_hash(key)}"))
    for other in others:
        if _exists(other / MANIFEST) and key.items() <= manifest(other).items():
            return other
    begun = [other for other in others if _exists(other / LOCK) and not _exists(other / MANIFEST)]
    return begun[0] if begun and not _exists(own) else own


def reopen(folder: Path) -> None:
    """Marks a finished step as unfinished, so that its files may change."""
    with disk_errors(folder):
        (folder / MANIFEST).unlink(missing_ok=True)


def _usable(folder: Path, key: Mapping[str, Any]) -> bool:
    """Whether the step with this key is finished. Raises LutraError if the folder holds another, or was changed."""
    if not finished(folder):
        return False
    record = manifest(folder)
    if odd := [name for name in MADE_FROM if record[name] != key[name]]:
        raise LutraError(
            f"{folder} was made with different settings (see {' and '.join(odd)} in its manifest), although the hashes "
            "share a prefix; move it away and run the same command again"
        )
    if folder not in _reported and (differences := versions.differences(record)):
        _reported.add(folder)
        locks.say(f"{folder} was made with {differences}. It is used as it is; to make it again, delete it.")
    return True


def manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a finished step. Raises LutraError if it was changed."""
    path = folder / MANIFEST
    try:
        record = documents.read_sealed(path, "manifest")
        if odd := [key for key, right in SHAPE.items() if key not in record or not right(record[key])]:
            raise documents.DamagedError(f"{path} is not a valid manifest: see its {', '.join(odd)}")
    except documents.DamagedError as error:
        raise LutraError(f"{error}; delete {folder} and run the same command again") from None
    return record


def finished(folder: Path) -> bool:
    """Whether the step is finished; raises LutraError if one of its files was changed or lost."""
    if not _exists(folder / MANIFEST):
        return False
    for file, expected in manifest(folder)["outputs"].items():
        path = folder / file
        if not _exists(path) or sha256(path) != expected:
            state = "was changed" if _exists(path) else "is missing"
            raise LutraError(f"{path} {state} since it was made; delete {folder} and run the same command again")
    return True


def is_named(folder: Path, record: Mapping[str, Any]) -> bool:
    """Whether a folder's name has the hash of the key in its manifest."""
    return folder.name.endswith(_key_hash(record))


def arch_name(arch: Iterable[int]) -> str:
    """An architecture as text, for file names and tables."""
    return "-".join(map(str, arch))


def _exists(path: Path) -> bool:
    """Whether the file exists. Raises LutraError if that cannot be determined."""
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise LutraError(f"cannot read {path}: {error.strerror}") from None
    return True


def _key_hash(record: Mapping[str, Any]) -> str:
    return digest({name: record[name] for name in MADE_FROM})[:8]


def _remove_temporary(folder: Path) -> None:
    """Removes temporary files of a killed process."""
    for path in filter(Path.is_file, folder.rglob(TEMPORARY)):
        path.unlink(missing_ok=True)


def _work(folder: Path, key: Mapping[str, Any], work: Callable[[Path], None]) -> None:
    """Does the work and writes the manifest. Hashes the code first, because it may be edited meanwhile."""
    made_by = versions.made_by()
    before = manifest(folder)["seconds"] if _exists(folder / MANIFEST) else 0.0
    with unfinished.counted(folder, before) as seconds, full_disk(folder):
        work(folder)
    made = (path for path in sorted(declared) if path.is_relative_to(folder) and not path.name.startswith("."))
    outputs = {path.relative_to(folder).as_posix(): sha256(path) for path in made if path.is_file()}
    write(folder / MANIFEST, documents.sealed({**key, "outputs": outputs, "seconds": seconds(), **made_by}))
    unfinished.remove(folder)
