"""Fields of settings that are not always in a step's key, marked beside the field."""

from __future__ import annotations

from dataclasses import field
from typing import Any

UNLESS, IMPLIED = "unless", "implied by"


def unless(default: Any) -> Any:
    """A field that is in the key only where it has another value, so that older folders, without it, are found."""
    marks = {UNLESS: default}
    if isinstance(default, list):
        return field(default_factory=lambda: [*default], metadata=marks)
    return field(default=default, metadata=marks)


def implied(by: str) -> Any:
    """A field that is not in the key, because the file that is the input `by` decides it, and is in the key."""
    return field(default=None, metadata={IMPLIED: by})
