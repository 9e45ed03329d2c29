"""An append-only log: one record a line with its checksum, so that a kill tears at most the last one."""

from __future__ import annotations

import json
import os
import sys
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from experiments.artefacts import disk_errors
from search_spaces.errors import LutraError


def append(path: Path, record: Mapping[str, Any]) -> None:
    """Adds a line and waits until it is on the disk."""
    text = json.dumps(record)
    with disk_errors(path, len(text)), open(path, "a") as file:
        file.write(f"{zlib.crc32(text.encode()):08x} {text}\n")
        file.flush()
        os.fsync(file.fileno())


def read(path: Path) -> list[dict[str, Any]]:
    """The records. A torn last line is cut off the file; raises LutraError for damage before it."""
    if not path.exists():
        return []
    records, good = [], 0
    lines = path.read_bytes().splitlines(keepends=True)
    for number, line in enumerate(lines, 1):
        checksum, _, text = line.rstrip(b"\n").partition(b" ")
        if checksum != b"%08x" % zlib.crc32(text) or not line.endswith(b"\n"):
            if number < len(lines):
                raise LutraError(f"{path}, line {number} is damaged; delete that line and run the same command again")
            print(f"{path}: its last line was cut short and is dropped", file=sys.stderr)
            os.truncate(path, good)
            break
        records.append(json.loads(text))
        good += len(line)
    return records
