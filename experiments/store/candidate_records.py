"""Candidates and winners as JSON objects, in which each cost is a field of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from predictors.costs import NAMES

COSTS = "costs"


def to_json(one: Any) -> dict[str, Any]:
    """The JSON object of a dataclass with the field `costs`."""
    found: dict[str, Any] = {}
    for key, value in asdict(one).items():
        found |= value if key == COSTS else {key: value}
    return found


def with_costs(record: Mapping[str, Any]) -> dict[str, Any]:
    """The dataclass's fields, from the JSON object."""
    costs = {key: value for key, value in record.items() if key in NAMES}
    return {COSTS: costs, **{key: value for key, value in record.items() if key not in NAMES}}
