"""What images a tree holds: the list that the reader reads, with a hash of every image."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from experiments.data.entries import DAMAGED, Entry, entries, is_image
from experiments.data.image_tree import Tree, arrange
from search_spaces.errors import LutraError


@dataclass(frozen=True)
class Contents:
    tree: Tree
    sha256: Mapping[str, str]  # by name

    @property
    def key(self) -> str:
        """A hash of what is read: names, classes, splits, and the bytes of every image."""
        listed = [
            [role, name, self.tree.classes[label], self.sha256[name]]
            for role, files in self.tree.files.items()
            for name, label in files
        ]
        return hashlib.sha256(json.dumps(listed).encode()).hexdigest()


def contents(path: str) -> Contents:
    """Reads every image once and decodes none. Raises LutraError as `read_tree` does, and on one that is unreadable."""
    hashes: dict[str, str] = {}

    def hashed() -> Iterator[Entry]:
        for entry in entries(path):
            if entry.read and len(entry.parts) > 1 and is_image(entry.parts):
                name = "/".join(entry.parts)
                hashes[name] = hashlib.sha256(read(path, name, entry)).hexdigest()
            yield entry

    return Contents(arrange(path, hashed()), hashes)


def read(path: str, name: str, entry: Entry) -> bytes:
    """The bytes of an image. Raises LutraError where it cannot be read."""
    assert entry.read is not None
    try:
        return entry.read()
    except (ValueError, *DAMAGED) as error:
        raise LutraError(f"{path}/{name} cannot be read ({error}): replace it or remove it") from error
