"""Reads JSON objects as dataclasses; a missing field or a wrong type is named in one line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from search_spaces.documents import DamagedError, read_json

T = TypeVar("T")
NAMES = {int: "a whole number", float: "a number", str: "a text", bool: "true or false", NoneType: "null"}


def read_record(path: Path, kind: type[T], what: str) -> T:
    """The dataclass in a JSON file."""
    return record(kind, read_json(path, what), path)


def record(kind: type[T], value: Any, where: object) -> T:
    """A dataclass from a JSON object. Raises DamagedError if a field is missing, unknown or of another type."""
    hints = get_type_hints(kind)
    if not isinstance(value, dict):
        raise DamagedError(f"{where} is damaged: it must be an object, not {value!r:.40}")
    needed = {field.name for field in fields(kind) if field.default is field.default_factory is MISSING}  # type: ignore[arg-type]
    if odd := sorted(needed - value.keys()) + sorted(value.keys() - hints.keys()):
        raise DamagedError(f"{where} is damaged: {odd[0]!r} is missing, or is not one of its fields")
    return kind(**{name: typed(hints[name], one, f"{where}: {name}") for name, one in value.items()})


def typed(kind: Any, value: Any, where: object) -> Any:
    """A JSON value checked against a type such as float, tuple[int, ...], dict[str, float], a dataclass, or None."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        if value is None and NoneType in inner:
            return None
        (kind,) = (one for one in inner if one is not NoneType)
        return typed(kind, value, where)
    if is_dataclass(kind):
        return record(kind, value, where)  # type: ignore[arg-type]
    if origin in (tuple, list, Sequence) and isinstance(value, list):
        ends = inner if origin is tuple and inner[-1] is not Ellipsis else (inner[0],) * len(value)
        if len(ends) == len(value):
            items = [typed(end, one, f"{where}, item {index}") for index, (end, one) in enumerate(zip(ends, value))]
            return tuple(items) if origin is tuple else items
    if origin in (dict, Mapping) and isinstance(value, dict):
        return {key: typed(inner[1], one, f"{where}, {key}") for key, one in value.items()}
    if kind is Any or type(value) is kind or (kind is float and type(value) is int and abs(value) < 1e308):
        return value
    raise DamagedError(f"{where} is damaged: it must be {NAMES.get(kind, 'a list or an object')}, not {value!r:.40}")
