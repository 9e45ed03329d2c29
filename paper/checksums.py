"""The sha256 of every published file, in the format of `sha256sum`; publish=true writes the list, a build checks it.

Otherwise a file changed after it was published would silently change numbers in the paper.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from paper.csv_records import ResultError, writer
from search_spaces.documents import read_bytes, read_text, sha256

LIST = "SHA256SUMS"
LINE = re.compile(r"([0-9a-f]{64})  (\w[\w.-]*)")


def dump(hashes: Mapping[str, str]) -> str:
    """The list's text, sorted by name, so that equal files give equal bytes."""
    return "".join(f"{hashes[name]}  {name}\n" for name in sorted(hashes))


def load(folder: Path) -> dict[str, str]:
    """The sha256 of each file by name. Raises ResultError unless `dump` wrote the list."""
    path = folder / LIST
    if not path.exists():
        raise ResultError(f"{path} is missing; it is written by every command with publish=true, such as {writer('')}")
    text = read_text(path, "list of hashes")
    hashes = {line[2]: line[1] for line in map(LINE.fullmatch, text.split("\n")) if line}
    if dump(hashes) != text:
        raise ResultError(f"{path} is damaged; restore it, or delete it and publish all files again")
    return hashes


def check(folder: Path) -> None:
    """Raises ResultError for the first published file that is missing, changed, or not in the list."""
    hashes = load(folder)
    for name in sorted({*hashes, *(path.name for path in folder.glob("*.csv"))}):
        path = folder / name
        if name not in hashes:
            raise ResultError(f"{path} is not in {LIST}; write it with: {writer(name)}")
        if not path.exists():
            raise ResultError(f"{path} is missing; write it with: {writer(name)}")
        if sha256(read_bytes(path)) != hashes[name]:
            raise ResultError(f"{path} was changed after it was published; write it again with: {writer(name)}")
