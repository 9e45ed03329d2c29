"""Marks fields of settings that are sometimes left out of a step's key."""

from __future__ import annotations

from dataclasses import field
from typing import Any

UNLESS, IMPLIED = "unless", "implied by"
FILES, FOLDER = "the files", "the folder's name"


def unless(default: Any) -> Any:
    """A field that enters the key only if it is not `default`, so that folders older than the field are found."""
    marks = {UNLESS: default}
    if isinstance(default, list):
        return field(default_factory=lambda: [*default], metadata=marks)
    return field(default=default, metadata=marks)


def implied(by: str) -> Any:
    """A field that is not in the key, because `by`, which is in the key, determines it.

    `by` is an input of the step or another field. FILES: the field is a mapping from the names of inputs to how these
    files were made. FOLDER: the field is part of the folder's name.
    """
    return field(default=None, metadata={IMPLIED: by})
