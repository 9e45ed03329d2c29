"""Candidates and winners as JSON objects, in which each cost is a field of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from experiments.store import journal
from experiments.store.json_records import record
from predictors.costs import NAMES
from strategies.problems.problem import Candidate

COSTS = "costs"


def to_json(one: Any) -> dict[str, Any]:
    """The JSON object of a dataclass with the field `costs`."""
    found: dict[str, Any] = {}
    for key, value in asdict(one).items():
        found |= value if key == COSTS else {key: value}
    return found


def with_costs(found: Mapping[str, Any]) -> dict[str, Any]:
    """The dataclass's fields, from the JSON object."""
    costs = {key: value for key, value in found.items() if key in NAMES}
    return {COSTS: costs, **{key: value for key, value in found.items() if key not in NAMES}}


def read_candidates(path: Path) -> list[Candidate]:
    """The candidates in a search's journal, in order. Raises LutraError if the file is damaged."""
    return [record(Candidate, with_costs(one), path) for one in journal.read(path)]
