"""Published data that tests read where there are any: in $LUTRA_DATA, or beside the repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

BESIDE = Path(__file__).parents[2] / "shared" / "data"


def published(name: str) -> Path:
    """A published file. Skips the test where there is none."""
    for folder in (Path(os.environ.get("LUTRA_DATA", BESIDE)), BESIDE):
        if (folder / name).exists():
            return folder / name
    pytest.skip(f"no {name}: set LUTRA_DATA to the folder that holds it")
