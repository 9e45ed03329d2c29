"""Published data that tests read if present: in $LUTRA_DATA, or next to the repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

BESIDE = Path(__file__).parents[2] / "shared" / "data"


def published(name: str) -> Path:
    """Returns a published file. Skips the test if it is missing."""
    for folder in (Path(os.environ.get("LUTRA_DATA", BESIDE)), BESIDE):
        if (folder / name).exists():
            return folder / name
    pytest.skip(f"no {name}: set LUTRA_DATA to the folder that holds it")
