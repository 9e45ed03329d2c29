"""Marks fields of settings that are left out of a step's key, always or sometimes."""

from __future__ import annotations

from dataclasses import field
from typing import Any

from search_spaces.added_fields import UNLESS, unless

__all__ = ["FILES", "FOLDER", "IMPLIED", "UNLESS", "implied", "unless"]
IMPLIED = "implied by"
FILES, FOLDER = "the files", "the folder's name"


def implied(by: str) -> Any:
    """A field that is not in the key, because `by`, which is in the key, determines it.

    `by` is an input of the step or another field. FILES: the field is a mapping from the names of inputs to how these
    files were made. FOLDER: the field is part of the folder's name.
    """
    return field(default=None, metadata={IMPLIED: by})
