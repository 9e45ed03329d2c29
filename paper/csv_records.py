"""Reads CSV files strictly: for a value of the wrong kind, an error names file, line and column."""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from pathlib import Path
from types import NoneType
from typing import Any, get_args

from search_spaces.documents import read_csv
from search_spaces.errors import LutraError

_WRITERS = {  # file -> the command that writes it; the report writes the others
    "fresh.csv": "fidelity",
    "fidelity.csv": "fidelity",
    "fidelity_setup.csv": "fidelity",
    "protocols.csv": "protocols",
    "protocols_setup.csv": "protocols",
    "compare.csv": "compare",
    "compare_setup.csv": "compare",
    "curves.csv": "compare",
    "pairs.csv": "compare",
    "ranking.csv": "ranking",
    "ranking_setup.csv": "ranking",
    "correlations.csv": "ranking",
    "recipes.csv": "recipes",
    "recipes_setup.csv": "recipes",
    "ablation.csv": "ablation",
    "ablation_setup.csv": "ablation",
    "hand_made.csv": "hand_made",
    "hand_made_setup.csv": "hand_made",
    "pruning_rules.csv": "pruning_rules",
    "profile.csv": "profile",
    "profile_setup.csv": "profile",
    "steady.csv": "profile",
    "pruning_rules_setup.csv": "pruning_rules",
    "transfer.csv": "transfer",
    "transfer_setup.csv": "transfer",
    "seeds.csv": "seeds",
    "seeds_setup.csv": "seeds",
}
_FORMER = {"significant": "apart"}  # names of columns in older files
_TRUTH = {"true": True, "1": True, "false": False, "0": False}
_POSITIVE = re.compile(r".*_(s|ms|bytes)")
_FRACTION = re.compile(r"(.*_)?accuracy|within_\d+|alone|inherited|p")
_NOT_NEGATIVE = re.compile(r"seconds|mape|macs|parameters|steps|seeds.*|evaluations|layer|option|.*channels|kernel")


class ResultError(LutraError):
    """A result file that is missing or has unexpected content."""


def writer(name: str) -> str:
    """The command that publishes a file."""
    if name == "reproduce.csv":
        return "python -m experiments.reproduce"
    return f"python -m experiments.{_WRITERS.get(name, 'report')} publish=true"


def records(path: Path, kinds: dict[str, Any], optional: Collection[str] = ()) -> list[dict[str, Any]]:
    """The columns `kinds` of a CSV file, each value of its kind; `optional` ones only if the file has them."""
    if not path.exists():
        raise ResultError(f"{path} is missing; write it with: {writer(path.name)}")
    rows = [(where, _named(record, kinds)) for where, record in read_csv(path, ())]
    if not rows:
        raise ResultError(f"{path} has no rows")
    present = rows[0][1]
    kinds = {column: kind for column, kind in kinds.items() if column in present or column not in optional}
    for column in kinds:
        if column not in present:
            raise ResultError(f"{path}: there is no column {column}")
    return [_record(record, kinds, where) for where, record in rows]


def columns(path: Path) -> list[str]:
    """The columns of a CSV file; empty if it is missing or empty."""
    return list(next((record for _, record in read_csv(path, ())), {})) if path.exists() else []


def _named(record: dict[str, str], kinds: dict[str, Any]) -> dict[str, str]:
    """A record with the current names of its columns."""
    renamed = {former: column for column, former in _FORMER.items() if column in kinds}
    return {renamed.get(column, column): value for column, value in record.items()}


def _record(record: dict[str, str], kinds: dict[str, Any], where: str) -> dict[str, Any]:
    return {column: _value(record[column].strip(), kind, where, column) for column, kind in kinds.items()}


def _value(text: str, kind: Any, where: str, column: str) -> Any:
    if kind is str:
        return text
    if kind is bool:
        if text.lower() not in _TRUTH:
            raise ResultError(f"{where}: {column} is {text!r}, neither true nor false")
        return _TRUTH[text.lower()]
    if NoneType in get_args(kind):
        if not text:
            return None
        (kind,) = (one for one in get_args(kind) if one is not NoneType)
    value = number(text, where, column)
    if kind is int and not value.is_integer():
        raise ResultError(f"{where}: {column} is {text!r}, not a whole number")
    return int(value) if kind is int else value


def number(text: str, where: str, column: str) -> float:
    """A finite number within the bounds that its column's name implies."""
    name = column.removeprefix("value of ")
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ResultError(f"{where}: {column} is {text!r}, not a number")
    if value <= 0 and _POSITIVE.fullmatch(name):
        raise ResultError(f"{where}: {column} is {text!r}, not positive")
    if value < 0 and _NOT_NEGATIVE.fullmatch(name):
        raise ResultError(f"{where}: {column} is {text!r}, which is negative")
    if not 0 <= value <= 1 and _FRACTION.fullmatch(name):
        raise ResultError(f"{where}: {column} is {text!r}, not a fraction between 0 and 1")
    return value
