"""The files of a folder or a tar archive, one by one.

Hidden files, thumbnails and other system files are skipped. An archive is read member by member and never unpacked to
disk, so its names can do no harm; its links and devices are skipped.
"""

from __future__ import annotations

import lzma
import os
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from experiments.data.class_folders import Parts
from predictors.board.image_decoding import SUFFIXES
from search_spaces.errors import LutraError

MAX_BYTES = 64 * 2**20  # of one image file
MAX_MEMBERS = 5_000_000  # of an archive
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
DAMAGED = (tarfile.TarError, EOFError, OSError, zlib.error, lzma.LZMAError)


class Entry(NamedTuple):
    parts: Parts
    read: Callable[[], bytes] | None  # None for a folder, or a skipped entry
    passed: str = ""  # why it is skipped
    file: str = ""  # its path on disk, if it has one


def entries(path: str) -> Iterator[Entry]:
    """All entries of a folder, .tar, .tar.gz or .tgz except hidden and system files; folders come in any order.

    Raises LutraError for a damaged archive, and for links that repeat images.
    """
    root = Path(path).expanduser()
    if not path or not root.exists():
        raise LutraError(f"there is no folder or archive {path!r}: give the images' location with data.path=...")
    if not (root.is_dir() or root.is_file()):
        raise LutraError(
            f"{path} is neither a folder nor a file: data.path must be a folder of images or an archive of one"
        )
    return _folder(root) if root.is_dir() else _archive(root)


def is_image(parts: Parts) -> bool:
    return parts[-1].lower().endswith(SUFFIXES)


def _skipped(name: str) -> bool:
    return name.startswith(".") or name.lower() in SYSTEM


def _folder(root: Path) -> Iterator[Entry]:
    """Depth first, in order of names. Visits each real folder and file once."""
    met: dict[str, Parts] = {}
    pending: list[Parts] = [()]
    while pending:
        parts = pending.pop()
        here = os.path.join(root, *parts)
        real = os.path.realpath(here)
        _meet(root, met, real, parts)
        yield Entry(parts, None)
        try:
            with os.scandir(here) as scan:
                items = sorted((item for item in scan if not _skipped(item.name)), key=lambda item: item.name)
            for item in items:
                name, linked = (*parts, item.name), item.is_symlink()
                if linked and not os.path.exists(item.path):
                    raise LutraError(f"the link {item.path} leads nowhere: fix it or remove it")
                target = os.path.realpath(item.path) if linked else os.path.join(real, item.name)
                if item.is_dir() and linked and Path(real).is_relative_to(target):
                    yield Entry(name, None, f"link to a folder that it is in ({'/'.join(name)})")
                elif item.is_dir():
                    pending.append(name)
                elif item.is_file():
                    if is_image(name):
                        _meet(root, met, target, name)
                    yield Entry(name, partial(_read_file, item.path), file=item.path)
        except OSError as error:
            raise LutraError(f"the folder {error.filename or here} cannot be read: {error.strerror}") from error


def _meet(root: Path, met: dict[str, Parts], real: str, parts: Parts) -> None:
    """Raises LutraError if a folder or file was visited before under another name."""
    if real in met:
        one, other = (os.path.join(root, *names) for names in sorted((met[real], parts)))
        raise LutraError(f"{one} and {other} are the same by a link, so images would count twice: remove the link")
    met[real] = parts


def _archive(path: Path) -> Iterator[Entry]:
    try:
        with tarfile.open(path, "r:*") as archive:
            for _ in range(MAX_MEMBERS + 1):
                member = archive.next()
                archive.members.clear()  # type: ignore[attr-defined]  # otherwise it remembers millions
                if member is None:
                    return _check_end(archive)
                parts = tuple(part for part in member.name.split("/") if part not in ("", "."))
                if not parts or any(_skipped(part) for part in parts):
                    continue
                if member.isreg() or member.isdir():
                    yield Entry(parts, partial(_read_member, archive, member) if member.isreg() else None)
                elif member.issym() or member.islnk():
                    yield Entry(parts, None, "links in the archive")
            raise LutraError(f"{path} has more than {MAX_MEMBERS:,} members: unpack it, or use a part of it")
    except DAMAGED as error:
        if zipfile.is_zipfile(path):
            raise LutraError(
                f"{path} is a .zip archive, which is not supported: unpack it, and give the folder"
            ) from error
        reason = str(error).split("\n")[0].rstrip(":")
        raise LutraError(
            f"{path} is not a complete .tar, .tar.gz or .tgz archive: {reason}; download it again"
        ) from error


def _check_end(archive: tarfile.TarFile) -> None:
    """Checks the archive's end: tarfile takes a damaged header for the end, but the real one is a block of zeros."""
    source = archive.fileobj
    assert source is not None
    source.seek(archive.offset)
    if source.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise tarfile.ReadError("it is damaged or incomplete")
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
        raise ValueError(f"{count / 2**20:.0f} MB exceed the limit of {MAX_BYTES / 2**20:.0f} MB per image")
