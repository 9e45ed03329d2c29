"""A file or folder below the images' location, and which of them are skipped."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from experiments.data.class_folders import Parts
from predictors.board.image_decoding import SUFFIXES

MAX_BYTES = 64 * 2**20  # of one image file
SYSTEM = {  # names of files and folders that systems and network drives create, in any letter case
    "#recycle",
    "#snapshot",
    "$recycle.bin",
    "@eadir",
    "@recently-snapshot",
    "@recycle",
    "@tmp",
    "__macosx",
    "__pycache__",
    "desktop.ini",
    "ehthumbs.db",
    "icon\r",
    "lost+found",
    "recycler",
    "system volume information",
    "thumbs.db",
    "~snapshot",
}


class Entry(NamedTuple):
    parts: Parts
    read: Callable[[], bytes] | None  # None for a folder, or a skipped entry
    passed: str = ""  # why it is skipped
    file: str = ""  # its path on disk, if it has one


def is_image(parts: Parts) -> bool:
    return parts[-1].lower().endswith(SUFFIXES)


def is_system(name: str) -> bool:
    """Whether a file or folder is hidden, or a system's."""
    return name.startswith(".") or name.lower() in SYSTEM


def check_bytes(count: int) -> None:
    """Raises ValueError for a file that is too large for an image."""
    if count > MAX_BYTES:
        raise ValueError(f"{count / 2**20:.0f} MB exceed the limit of {MAX_BYTES / 2**20:.0f} MB per image")
