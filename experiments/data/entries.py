"""The files of a folder or an archive, one by one. Hidden files, thumbnails and other system files are skipped."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from experiments.data.archives import members
from experiments.data.class_folders import Parts
from experiments.data.entry import Entry, check_bytes, is_image, is_system
from search_spaces.errors import LutraError


def entries(path: str) -> Iterator[Entry]:
    """All entries of a folder, .tar, .tar.gz, .tgz or .zip except hidden and system files; folders come in any order.

    Raises LutraError for a damaged archive, and for links that repeat images.
    """
    root = Path(path).expanduser()
    if not path or not root.exists():
        what = f"there is no folder or archive {path!r}" if path else "data.path is missing"
        raise LutraError(f"{what}: give the images' location, data.path=FOLDER_OR_ARCHIVE")
    if not (root.is_dir() or root.is_file()):
        raise LutraError(
            f"{path} is neither a folder nor a file: data.path must be a folder of images or an archive of one"
        )
    return _folder(root) if root.is_dir() else members(root)


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
                items = sorted((item for item in scan if not is_system(item.name)), key=lambda item: item.name)
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


def _read_file(path: str) -> bytes:
    check_bytes(os.path.getsize(path))
    return Path(path).read_bytes()
