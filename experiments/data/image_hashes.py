"""The images of a tree: the list that the reader made, with a hash of every image, its size and its colours.

They are stored, so that the next command need not read unchanged files. An image on disk is identified by its size,
modification times and inode; an archive by those of the archive. An inode's change time cannot be set by users. A file
that changed very recently is read again, because its times might not reveal a further change.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from experiments.data import kept
from experiments.data.archives import DAMAGED
from experiments.data.entries import entries
from experiments.data.entry import Entry, is_image
from experiments.data.image_tree import Tree, arrange
from experiments.display.progress import console
from predictors.board.image_decoding import format_of
from search_spaces.errors import LutraError

SCHEMA = "lutra/image-hashes/2"
SPEAKS = 5.0  # seconds after which a line explains the delay
SETTLED = 2 * 10**9  # nanoseconds after a change until the times reveal the next change


@dataclass(frozen=True)
class Contents:
    tree: Tree
    sha256: Mapping[str, str]  # by name
    formats: Mapping[str, str]  # by name: width x height, and Pillow's mode, as in 640x480 RGB; empty if undecodable

    @property
    def key(self) -> str:
        """A hash of everything that is read: names, classes, splits, and the bytes of every image."""
        named = [[role, name, self.tree.classes[label]] for role, name, label in self._files]
        return kept.digest([named, self.pixels])

    @property
    def pixels(self) -> str:
        """A hash of the images only, in order."""
        return kept.digest([self.sha256[name] for _, name, _ in self._files])

    @property
    def _files(self) -> list[tuple[str, str, int]]:
        return [(role, *file) for role, files in self.tree.files.items() for file in files]


def contents(path: str, cache: str = "") -> Contents:
    """Reads every image once and decodes none; with a folder `cache`, reads only those that changed.

    Raises LutraError as `read_tree` does, and for an unreadable image.
    """
    place = os.path.realpath(os.path.expanduser(path))
    known = kept.load(cache, [SCHEMA, place])
    stamp = _stamp(place) if os.path.isfile(place) else ""
    if stamp and known.get("stamp") == stamp:
        files = {role: [(name, label) for name, label in members] for role, members in known["files"].items()}
        return Contents(Tree(tuple(known["classes"]), files, known["passed"]), known["sha256"], known["formats"])
    found, stamps = _read(path, known.get("stamps", {}))
    if stamp:
        tree = {"classes": found.tree.classes, "files": found.tree.files, "passed": found.tree.passed}
        kept.keep(cache, [SCHEMA, place], {"stamp": stamp, **tree, "sha256": found.sha256, "formats": found.formats})
    elif stamps != known.get("stamps", {}):
        kept.keep(cache, [SCHEMA, place], {"stamps": stamps})
    return found


def _read(path: str, known: Mapping[str, str]) -> tuple[Contents, dict[str, str]]:
    """The contents, and the stamp, hash and format of every image on disk."""
    hashes: dict[str, str] = {}
    formats: dict[str, str] = {}
    stamps: dict[str, str] = {}

    def hashed() -> Iterator[Entry]:
        for entry in _announced(path, entries(path)):
            if entry.read and len(entry.parts) > 1 and is_image(entry.parts):
                name = "/".join(entry.parts)
                stamp = _stamp(entry.file) if entry.file else ""
                before, sha256, form = [*known.get(name, "").split("|"), "", ""][:3]
                if not (stamp and stamp == before):
                    content = read(path, name, entry)
                    sha256, form = hashlib.sha256(content).hexdigest(), format_of(content)
                hashes[name], formats[name] = sha256, form
                if stamp:
                    stamps[name] = "|".join((stamp, sha256, form))
            yield entry

    return Contents(arrange(path, hashed()), hashes, formats), stamps


def _announced(path: str, found: Iterator[Entry]) -> Iterator[Entry]:
    """The same entries; if they take long, prints a line once."""
    patience = time.monotonic() + SPEAKS
    for entry in found:
        yield entry
        if time.monotonic() > patience:
            patience = float("inf")
            console.print(f"hashing the images of {path}", markup=False, highlight=False, soft_wrap=True)


def read(path: str, name: str, entry: Entry) -> bytes:
    """The bytes of an image. Raises LutraError if it cannot be read."""
    assert entry.read is not None
    try:
        return entry.read()
    except (ValueError, *DAMAGED) as error:
        raise LutraError(f"{path}/{name} cannot be read ({error}): replace it or remove it") from error


def _stamp(file: str) -> str:
    """A stamp that changes when the file is written to; empty if that cannot be relied on yet."""
    try:
        stat = os.stat(file)
    except OSError:
        return ""
    if time.time_ns() - max(stat.st_mtime_ns, stat.st_ctime_ns) < SETTLED:
        return ""
    return f"{stat.st_size} {stat.st_mtime_ns} {stat.st_ctime_ns} {stat.st_ino} {stat.st_dev}"
