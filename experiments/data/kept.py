"""Small results stored for the next command, as sealed JSON files in the folder `data.cache`."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from experiments.store import disk
from search_spaces.documents import read_sealed, sealed
from search_spaces.errors import LutraError


def digest(value: Any) -> str:
    """The sha256 of any JSON value."""
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()


def load(cache: str, key: Any) -> Mapping[str, Any]:
    """The value stored for this key; empty if there is none, or if it is damaged."""
    file = _file(cache, key)
    if cache and file.exists():
        with contextlib.suppress(LutraError):
            kept = read_sealed(file)
            return kept["value"] if kept.get("key") == json.loads(json.dumps(key)) else {}
    return {}


def keep(cache: str, key: Any, value: Mapping[str, Any]) -> None:
    """Stores the value if there is a cache with a writable disk."""
    if cache:
        with contextlib.suppress(LutraError):
            disk.write(_file(cache, key), sealed({"key": key, "value": value}))


def _file(cache: str, key: Any) -> Path:
    return Path(cache).expanduser() / f"{digest(key)[:16]}.json"
