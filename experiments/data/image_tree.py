"""A tree of class folders, on disk or in a tar archive: which images there are, of which class, for which split.

An archive is only read, member after member, and nothing of it is written to disk, so that its names can do no harm;
links and devices in it are passed over, as are hidden files.
"""

from __future__ import annotations

import lzma
import os
import tarfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

from search_spaces.errors import LutraError

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".gif", ".ppm")
ROLES = {"train": "train", "val": "validation", "valid": "validation", "validation": "validation", "test": "test"}
MAX_BYTES = 64 * 2**20  # of one image file
MAX_MEMBERS = 5_000_000  # of an archive

Parts = tuple[str, ...]  # the names on the way from the root to a file or folder
DAMAGED = (tarfile.TarError, EOFError, OSError, zlib.error, lzma.LZMAError)


class Entry(NamedTuple):
    parts: Parts
    read: Callable[[], bytes] | None  # None: a folder


class Tree(NamedTuple):
    """`files[role]`: names and labels, ordered by name; the roles are train and, where they exist, validation, test."""

    classes: tuple[str, ...]
    files: Mapping[str, list[tuple[str, int]]]


def entries(path: str) -> Iterator[Entry]:
    """Everything in a folder or a .tar, .tar.gz, .tgz that is not hidden. Raises LutraError on a damaged archive."""
    root = Path(path).expanduser()
    if not path or not root.exists():
        raise LutraError(f"there is no folder or archive {path!r}: say where the images are with data.path=...")
    for entry in _folder(root) if root.is_dir() else _archive(root):
        if not any(part.startswith(".") for part in entry.parts):
            yield entry


def read_tree(path: str) -> Tree:
    """The images below `path`: <class>/<image>, or train/<class>/<image> beside test/ or val/; no image is decoded.

    Raises LutraError on no images, a class folder without any, a single class, other classes in another split.
    """
    images: set[Parts] = set()
    folders: set[Parts] = set()
    for entry in entries(path):
        folders.add(entry.parts if entry.read is None else entry.parts[:-1])
        if entry.read and len(entry.parts) > 1 and entry.parts[-1].lower().endswith(SUFFIXES):
            images.add(entry.parts)
    if not images:
        raise LutraError(f"{path} has no images in class folders: <class>/<image>, ending in {', '.join(SUFFIXES)}")
    groups = _group(images, folders)
    for role, group in groups.items():
        if empty := sorted(name for name, files in group.items() if not files):
            raise LutraError(f"the class folder {empty[0]!r} ({role}) in {path} has no images: fill it or remove it")
    classes = sorted(groups["train"])
    for role, group in groups.items():
        if odd := sorted(set(classes) ^ set(group)):
            raise LutraError(f"train and {role} in {path} have different classes: {', '.join(odd)} in one of them only")
    if len(classes) < 2:
        raise LutraError(f"two class folders are the least; {path} has {len(classes)} ({', '.join(classes)}): add one")
    labels = {name: label for label, name in enumerate(classes)}
    return Tree(
        tuple(classes),
        {
            role: sorted((file, labels[name]) for name in group for file in group[name])
            for role, group in groups.items()
        },
    )


def _group(images: set[Parts], folders: set[Parts]) -> dict[str, dict[str, list[str]]]:
    """[role][class] -> names of images, none for an empty class folder."""
    depth = 0  # of the class folders, or of the splits; folders that wrap the whole tree are stepped over
    while len(_names(depth, images | folders)) == 1 and min(map(len, images)) > depth + 2:
        depth += 1
    roles = {name: ROLES[name.lower()] for name in _names(depth, images | folders) if name.lower() in ROLES}
    split = "train" in roles.values() and len(set(roles.values())) > 1
    at = depth + split
    present = {"train", *roles.values()} if split else {"train"}
    groups: dict[str, dict[str, list[str]]] = {role: {} for role in ("train", "validation", "test") if role in present}
    for parts in images | folders:
        role = roles.get(parts[depth]) if split and len(parts) > at else "train"
        if role is None or len(parts) <= at or (parts in images and len(parts) == at + 1):
            continue  # beside the splits, above the classes, or an image in no class folder
        files = groups[role].setdefault(parts[at], [])
        if parts in images:
            files.append("/".join(parts))
    return groups


def _names(depth: int, paths: Iterable[Parts]) -> set[str]:
    return {parts[depth] for parts in paths if len(parts) > depth}


def _folder(root: Path) -> Iterator[Entry]:
    def refuse(error: OSError) -> None:
        raise LutraError(f"the folder {error.filename} cannot be read: {error.strerror}")

    for folder, _, names in os.walk(root, onerror=refuse, followlinks=True):
        parts = Path(folder).relative_to(root).parts
        yield Entry(parts, None)
        for name in names:
            file = os.path.join(folder, name)
            if os.path.isfile(file):
                yield Entry((*parts, name), partial(_read_file, file))


def _archive(path: Path) -> Iterator[Entry]:
    try:
        with tarfile.open(path, "r:*") as archive:
            for _ in range(MAX_MEMBERS + 1):
                member = archive.next()
                archive.members.clear()  # type: ignore[attr-defined]  # else it remembers millions
                if member is None:
                    return _check_end(archive)
                parts = tuple(part for part in member.name.split("/") if part not in ("", "."))
                if parts and (member.isreg() or member.isdir()):
                    yield Entry(parts, partial(_read_member, archive, member) if member.isreg() else None)
            raise LutraError(f"{path} has more than {MAX_MEMBERS:,} members: unpack it, or take a part of it")
    except DAMAGED as error:
        reason = str(error).split("\n")[0].rstrip(":")
        raise LutraError(f"{path} is no whole .tar, .tar.gz or .tgz archive: {reason}; get it again") from error


def _check_end(archive: tarfile.TarFile) -> None:
    """tarfile takes a damaged header for the end; the real end is a block of zeros, and the checksum of the gzip."""
    source = archive.fileobj
    assert source is not None
    source.seek(archive.offset)
    if source.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise tarfile.ReadError("it is damaged or cut short")
    while source.read(2**20):
        pass


def _read_file(path: str) -> bytes:
    _check_bytes(os.path.getsize(path))
    return Path(path).read_bytes()


def _read_member(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    _check_bytes(member.size)
    source = archive.extractfile(member)
    assert source is not None
    return source.read()


def _check_bytes(count: int) -> None:
    if count > MAX_BYTES:
        raise ValueError(f"{count / 2**20:.0f} MB are more than the {MAX_BYTES / 2**20:.0f} of any image")
