"""Layers as JSON records, in tables and network files."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from search_spaces.errors import LutraError, unknown
from search_spaces.layers import KINDS, Spec


def to_json(spec: Spec) -> dict[str, Any]:
    return {"type": type(spec).__name__, **dataclasses.asdict(spec)}


def from_json(record: Mapping[str, Any]) -> Spec:
    """The inverse of `to_json`. Raises LutraError for an unknown type or field, or an invalid value."""
    fields = dict(record)
    name = fields.pop("type", None)
    if not isinstance(name, str) or name not in KINDS:
        raise unknown("layer type", str(name), KINDS)
    expected = [field.name for field in dataclasses.fields(KINDS[name])]
    if sorted(fields) != sorted(expected):
        raise LutraError(f"a {name} has the fields {', '.join(expected)}; found {', '.join(sorted(map(str, fields)))}")
    for key, value in fields.items():
        if type(value) is not int or value < 1:
            raise LutraError(f"{name}.{key} must be a positive integer, not {value!r}")
    return KINDS[name](**fields)
