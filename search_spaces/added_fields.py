"""Marks fields that were added to dataclasses of settings after results had been named by a hash of the others."""

from __future__ import annotations

from dataclasses import field
from typing import Any

UNLESS = "unless"


def unless(default: Any) -> Any:
    """A field that enters the key only if it is not `default`, so that folders older than the field are found."""
    marks = {UNLESS: default}
    if isinstance(default, list):
        return field(default_factory=lambda: [*default], metadata=marks)
    return field(default=default, metadata=marks)
