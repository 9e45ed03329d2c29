"""An append-only log with one record and its checksum per line, so that a kill damages at most the last line."""

from __future__ import annotations

import json
import os
import sys
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from experiments.store.disk import declare, disk_errors, sync
from search_spaces import documents
from search_spaces.errors import LutraError


def append(path: Path, record: Mapping[str, Any]) -> None:
    """Adds a line and waits until it is on the disk."""
    text = json.dumps(record)
    with disk_errors(path, len(text)), open(path, "a") as file:
        file.write(f"{zlib.crc32(text.encode()):08x} {text}\n")
        file.flush()
        sync(file.fileno())
    declare(path)


def read(path: Path) -> list[dict[str, Any]]:
    """The records. Removes a truncated last line; raises LutraError for damage before it."""
    if not path.exists():
        return []
    declare(path)
    records, good = [], 0
    lines = documents.read_bytes(path, "journal").splitlines(keepends=True)
    for number, line in enumerate(lines, 1):
        checksum, _, text = line.rstrip(b"\n").partition(b" ")
        if checksum != b"%08x" % zlib.crc32(text) or not line.endswith(b"\n"):
            if number < len(lines):
                raise LutraError(f"{path}, line {number} is damaged; delete that line and run the same command again")
            print(f"{path}: dropping the last line, which is incomplete", file=sys.stderr)
            with disk_errors(path):
                os.truncate(path, good)
            break
        records.append(documents.parse_json(text, f"{path}, line {number}", "record"))
        good += len(line)
    return records
