"""Checkpoints of a training, each preceded by a hash and its folder's name; the previous one is kept.

torch verifies no checksum: of 200 checkpoints with one flipped bit it read 199, some with other weights. The folder's
name is the step's, so a checkpoint copied from another training is refused.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import sys
from pathlib import Path

import torch

from experiments.store import artefacts
from search_spaces.errors import LutraError
from search_spaces.training.loop import Training


def save(training: Training, file: Path) -> None:
    """Writes a checkpoint of the training to `file`, and keeps the previous one."""
    content = io.BytesIO()
    torch.save(training.state_dict(), content)
    payload = content.getvalue()
    with artefacts.disk_errors(file), contextlib.suppress(FileNotFoundError):
        os.replace(file, artefacts.earlier(file))
    artefacts.write(file, _seal(file.parent.name, payload) + b"\n" + payload)


def saved(file: Path) -> bool:
    """Whether there is a checkpoint, or a previous one."""
    return file.exists() or artefacts.earlier(file).exists()


def restore(training: Training, file: Path) -> None:
    """Restores the newest intact checkpoint. A damaged one is reported and removed.

    Raises LutraError if none is intact, or if it belongs to another training.
    """
    there = [path for path in (file, artefacts.earlier(file)) if path.exists()]
    for path in there:
        if (payload := _whole(path)) is not None:
            return _load(training, path, payload)
        if path != there[-1]:
            print(f"{path} is damaged; using the previous checkpoint", file=sys.stderr)
            path.unlink(missing_ok=True)  # otherwise the next save would replace the good one with it
    raise LutraError(f"{there[-1]} is damaged; delete it to restart this training")


def _whole(path: Path) -> bytes | None:
    """The content after the seal; None if they do not match. Raises LutraError for another training's checkpoint."""
    try:
        seal, _, payload = path.read_bytes().partition(b"\n")
    except OSError as error:
        raise LutraError(f"cannot read {path}: {error.strerror}") from None
    name = seal.partition(b" ")[2].decode(errors="replace")
    if _seal(name, payload) != seal:
        return None
    if name and name != path.parent.name:
        raise _other(path, f" ({name})")
    return payload


def _seal(name: str, payload: bytes) -> bytes:
    """The hash of name and content, then the name; without a name in older checkpoints."""
    of_name = f" {name}".encode() if name else b""
    return hashlib.sha256(name.encode() + payload).hexdigest().encode() + of_name


def _load(training: Training, path: Path, payload: bytes) -> None:
    try:
        training.load_state_dict(torch.load(io.BytesIO(payload), map_location="cpu", weights_only=True))
    except Exception as error:  # torch raises many types for another model's state
        raise _other(path) from error


def _other(path: Path, which: str = "") -> LutraError:
    return LutraError(f"{path} belongs to another training{which}; delete it to restart this training")
