"""The CSV files that the paper is made of: one dataclass a row, whose field names are the columns it needs."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, get_type_hints


class ResultError(Exception):
    """A result file that is absent or says something else than expected; one line, exit code 2."""


@dataclass(frozen=True)
class Stage:
    """A network on its way from the reference to the INT8 file, as benchmarked on the device."""

    stage: str
    precision: str  # fp32 or int8
    validation_accuracy: float  # fraction
    test_accuracy: float  # fraction
    latency_median_s: float
    latency_p90_s: float
    predicted_s: float | None
    file_bytes: float
    macs: float
    parameters: float


@dataclass(frozen=True)
class Candidate:
    """An architecture that a search asked for."""

    strategy: str
    arch: str
    accuracy: float  # fraction of the validation images, with inherited weights
    latency_s: float  # predicted
    score: float
    feasible: bool


@dataclass(frozen=True)
class Whole:
    """A whole network that was timed for the correction; its prediction is by a correction fitted on the others."""

    precision: str
    naive_s: float
    predicted_s: float
    measured_s: float


@dataclass(frozen=True)
class Block:
    """An option of a layer in the latency table."""

    layer: int
    option: int
    spec: str
    precision: str
    seconds: float


@dataclass(frozen=True)
class Fresh:
    """A fresh random network, by one predictor."""

    precision: str
    predictor: str
    predicted_s: float
    measured_s: float


@dataclass(frozen=True)
class Judged:
    """A predictor, judged by all fresh networks of one precision."""

    data: str  # fp32 or int8
    predictor: str
    trained_on: int  # whole networks
    mape: float  # fraction
    within_5: float  # share
    tau: float


@dataclass(frozen=True)
class Summed:
    """A fresh random network by the blocks of one protocol: their sum, an affine map of it, the whole correction."""

    precision: str
    protocol: str
    naive_s: float
    affine_s: float
    predicted_s: float
    measured_s: float


@dataclass(frozen=True)
class Setup:
    """The run's configuration and machine, by key. An empty value means unknown."""

    path: Path
    values: dict[str, str]

    def text(self, key: str) -> str:
        if key not in self.values:
            raise ResultError(f"{self.path}: there is no row with key={key}")
        return self.values[key] or "unknown"

    def optional(self, key: str) -> float | None:
        """A number, or None where the value is empty."""
        return None if self.text(key) == "unknown" else _number(self.values[key], f"{self.path}: value of {key}")

    def number(self, key: str) -> float:
        self.text(key)
        return _number(self.values[key], f"{self.path}: value of {key}")


FILES: dict[type, str] = {
    Stage: "stages.csv",
    Candidate: "candidates.csv",
    Whole: "networks.csv",
    Block: "table.csv",
    Fresh: "fresh.csv",
    Judged: "fidelity.csv",
    Summed: "protocols.csv",
}
STEPS = {  # which command writes what; the others are the report's
    ("fresh.csv", "fidelity.csv", "fidelity_setup.csv"): "fidelity",
    ("protocols.csv", "protocols_setup.csv"): "protocols",
}
Row = TypeVar("Row")
_TRUTH = {"true": True, "1": True, "false": False, "0": False}
_UNITS = ("_s", "_ms", "_bytes")


def read(results: Path, kind: type[Row]) -> list[Row]:
    """All rows of the file of `kind`. Raises ResultError that names file, line and column."""
    return [kind(**values) for values in _records(results / FILES[kind], get_type_hints(kind))]


def setup(results: Path, name: str = "setup.csv") -> Setup:
    """A file of keys and values as a mapping. Raises ResultError."""
    path = results / name
    return Setup(path, {row["key"]: row["value"] for row in _records(path, {"key": str, "value": str})})


def _records(path: Path, kinds: dict[str, Any]) -> list[dict[str, Any]]:
    """The columns `kinds` of a CSV file, each value of its kind."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            for column in kinds:
                if column not in (reader.fieldnames or ()):
                    raise ResultError(f"{path}: there is no column {column}")
            records = [_record(record, kinds, f"{path}, line {reader.line_num}") for record in reader]
    except FileNotFoundError:
        step = next((step for file, step in STEPS.items() if path.name in file), "report")
        raise ResultError(f"{path} is missing; write it with: python -m experiments.{step} publish=true") from None
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
    return int(_number(text, where)) if kind is int else _number(text, where)


def _number(text: str, where: str) -> float:
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
