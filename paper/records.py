"""CSV files read with care: every value is of the kind that was asked for, or file, line and column are named."""

from __future__ import annotations

import csv
import math
from collections.abc import Collection
from pathlib import Path
from typing import Any

_WRITERS = {  # which command writes what; the others are the report's
    "fresh.csv": "fidelity",
    "fidelity.csv": "fidelity",
    "fidelity_setup.csv": "fidelity",
    "protocols.csv": "protocols",
    "protocols_setup.csv": "protocols",
    "curves.csv": "compare",
    "pairs.csv": "compare",
    "ranking.csv": "ranking",
    "correlations.csv": "ranking",
    "ablation.csv": "ablation",
    "ablation_setup.csv": "ablation",
    "hand_made.csv": "hand_made",
    "hand_made_setup.csv": "hand_made",
    "pruning_rules.csv": "pruning_rules",
    "pruning_rules_setup.csv": "pruning_rules",
}
_TRUTH = {"true": True, "1": True, "false": False, "0": False}
_UNITS = ("_s", "_ms", "_bytes")


class ResultError(Exception):
    """A result file that is absent or says something else than expected; one line, exit code 2."""


def records(path: Path, kinds: dict[str, Any], optional: Collection[str] = ()) -> list[dict[str, Any]]:
    """The columns `kinds` of a CSV file, each value of its kind; those of `optional` where the file has them."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            present = reader.fieldnames or ()
            kinds = {column: kind for column, kind in kinds.items() if column in present or column not in optional}
            for column in kinds:
                if column not in present:
                    raise ResultError(f"{path}: there is no column {column}")
            records = [_record(record, kinds, f"{path}, line {reader.line_num}") for record in reader]
    except FileNotFoundError:
        command = _WRITERS.get(path.name, "report")
        raise ResultError(f"{path} is missing; write it with: python -m experiments.{command} publish=true") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ResultError(f"{path} cannot be read: {error}") from None
    if not records:
        raise ResultError(f"{path} has no rows")
    return records


def _record(record: dict[str, str | None], kinds: dict[str, Any], where: str) -> dict[str, Any]:
    return {c: _value((record[c] or "").strip(), kind, f"{where}: {c}") for c, kind in kinds.items()}


def _value(text: str, kind: Any, where: str) -> Any:
    if kind is str:
        return text
    if kind is bool:
        if text.lower() not in _TRUTH:
            raise ResultError(f"{where} is {text!r}, neither true nor false")
        return _TRUTH[text.lower()]
    if kind == float | None and not text:
        return None
    return int(number(text, where)) if kind is int else number(text, where)


def number(text: str, where: str) -> float:
    """A finite number; a positive one where the column's name ends in a unit."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ResultError(f"{where} is {text!r}, not a number")
    if value <= 0 and where.endswith(_UNITS):
        raise ResultError(f"{where} is {text!r}, not positive")
    return value
