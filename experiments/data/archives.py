"""The members of an archive of images: .tar, .tar.gz, .tgz or .zip.

An archive is read member by member and never unpacked to disk, so its names can do no harm; its links and devices are
skipped.
"""

from __future__ import annotations

import contextlib
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from experiments.data.class_folders import Parts
from experiments.data.entry import Entry, check_bytes, is_system
from search_spaces.errors import LutraError

MAX_MEMBERS = 5_000_000  # of an archive
LINKS = "links in the archive"
SIGNATURES = (b"PK\x03\x04", b"PK\x05\x06")  # with which a .zip begins
ENCRYPTED, UTF8 = 1, 0x800  # bits of a member's flags
DAMAGED = (tarfile.TarError, zipfile.BadZipFile, NotImplementedError, EOFError, OSError, zlib.error, lzma.LZMAError)


def members(path: Path) -> Iterator[Entry]:
    """All members except hidden and system files. Raises LutraError for a damaged or encrypted archive."""
    try:
        with open(path, "rb") as file:
            zipped = file.read(4) in SIGNATURES
        yield from _zip(path) if zipped else _tar(path)
    except DAMAGED as error:
        reason = str(error).split("\n")[0].rstrip(":")
        raise LutraError(
            f"{path} is not a complete .tar, .tar.gz, .tgz or .zip archive: {reason}; download it again"
        ) from error


def _too_many(path: Path) -> LutraError:
    return LutraError(f"{path} has more than {MAX_MEMBERS:,} members: unpack it, or use a part of it")


def _parts(name: str) -> Parts:
    """The names of a member's folders and file; empty if one of them is a system's."""
    parts = tuple(part for part in name.split("/") if part not in ("", "."))
    return () if any(map(is_system, parts)) else parts


def _tar(path: Path) -> Iterator[Entry]:
    with tarfile.open(path, "r:*") as archive:
        for _ in range(MAX_MEMBERS + 1):
            member = archive.next()
            archive.members.clear()  # type: ignore[attr-defined]  # otherwise it remembers millions
            if member is None:
                return _check_end(archive)
            parts = _parts(member.name)
            if not parts:
                continue
            if member.isreg() or member.isdir():
                yield Entry(parts, partial(_read_tar, archive, member) if member.isreg() else None)
            elif member.issym() or member.islnk():
                yield Entry(parts, None, LINKS)
        raise _too_many(path)


def _check_end(archive: tarfile.TarFile) -> None:
    """Checks the archive's end: tarfile takes a damaged header for the end, but the real one is a block of zeros."""
    source = archive.fileobj
    assert source is not None
    source.seek(archive.offset)
    if source.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise tarfile.ReadError("it is damaged or incomplete")
    while source.read(2**20):
        pass


def _read_tar(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    check_bytes(member.size)
    source = archive.extractfile(member)
    assert source is not None
    return source.read()


def _zip(path: Path) -> Iterator[Entry]:
    with zipfile.ZipFile(path) as archive:
        if len(archive.infolist()) > MAX_MEMBERS:
            raise _too_many(path)
        for member in archive.infolist():
            parts = _parts(_name(member))
            if not parts:
                continue
            if member.flag_bits & ENCRYPTED:
                raise LutraError(f"{path} is encrypted ({member.filename}): unpack it, and give the folder")
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind == stat.S_IFLNK:
                yield Entry(parts, None, LINKS)
            elif member.is_dir():
                yield Entry(parts, None)
            elif kind in (0, stat.S_IFREG):
                yield Entry(parts, partial(_read_zip, archive, member))


def _name(member: zipfile.ZipInfo) -> str:
    """The path of a member. Many programs write UTF-8 without saying so, and Python takes it for code page 437."""
    name = member.filename
    if not member.flag_bits & UTF8:
        with contextlib.suppress(UnicodeError):
            name = name.encode("cp437").decode()
    windows = member.create_system == 0  # some of its programs separate folders by backslashes
    return name.replace("\\", "/") if windows else name


def _read_zip(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """Reads no more than the size that the archive declares."""
    check_bytes(member.file_size)
    with archive.open(member) as source:
        return source.read(member.file_size)
