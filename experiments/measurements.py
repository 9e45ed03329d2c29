"""Published measurements of whole networks, from a CSV file."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from experiments.config import FidelityConfig
from search_spaces.errors import LutraError, unknown

DIGITS = 3  # of a pick
UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6}
# Columns of known files: NAS-Bench-201 on a Raspberry Pi 4 (HW-NAS-Bench, by way of HELP), FBNet on a Xeon (HELP)
KNOWN = (("ops", "rpi4_ms"), ("ops", "silver_4210r_ms"))


@dataclass(frozen=True)
class Measurements:
    """Distinct networks."""

    archs: np.ndarray  # [n, layers]
    seconds: np.ndarray  # [n]
    options: tuple[int, ...]  # of each layer


def read_measurements(path: Path, config: FidelityConfig) -> Measurements:
    """Picks are one digit a layer, or numbers with "-" between. Raises LutraError with the first line that is wrong."""
    rows: dict[tuple[int, ...], float] = {}
    if config.unit not in UNITS:
        raise unknown("unit", config.unit, UNITS)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, restval="")
            options, latency = _columns(path, reader.fieldnames or (), config)
            for record in reader:
                where = f"{path}, line {reader.line_num}"
                arch = _arch(where, options, record[options], len(next(iter(rows), ())))
                if arch in rows:
                    raise LutraError(f"{where}: {options} {record[options]!r} was there before; keep one row of each")
                rows[arch] = _seconds(where, latency, record) * UNITS[config.unit]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no table of text"
        raise LutraError(f"cannot read {path}: {reason}; csv=PATH is a file of published measurements") from None
    if not rows:
        raise LutraError(f"{path} has no row below its header")
    archs = np.array(list(rows))
    return Measurements(archs, np.array(list(rows.values())), tuple(int(top) + 1 for top in archs.max(0)))


def _columns(path: Path, header: Sequence[str], config: FidelityConfig) -> tuple[str, str]:
    """The columns that are asked for, or those of a known file."""
    asked = (config.options, config.latency)
    if not any(asked):
        for pair in KNOWN:
            if {*pair} <= {*header}:
                return pair
        raise LutraError(
            f"{path} is none of the known files, its columns are {', '.join(header)}; "
            "say which they are: fidelity.options=COLUMN fidelity.latency=COLUMN fidelity.unit=ms"
        )
    for key, column in zip(("options", "latency"), asked):
        if not column:
            raise LutraError(f"say both columns: add fidelity.{key}=COLUMN; {path} has {', '.join(header)}")
        if column not in header:
            raise unknown(f"column of {path}", column, header)
    return asked


def _arch(where: str, column: str, text: str, layers: int) -> tuple[int, ...]:
    parts = text.split("-") if "-" in text else list(text)
    numbers = all(part.isdecimal() and len(part) <= DIGITS for part in parts)
    if not parts or not numbers or layers not in (0, len(parts)):
        expected = f"{layers} layers, as in the first row" if layers else "one number a layer"
        raise LutraError(f"{where}: {column} must be {expected}, not {text!r}; mend or drop the row")
    return tuple(map(int, parts))


def _seconds(where: str, column: str, record: Mapping[str, str]) -> float:
    try:
        value = float(record[column])
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise LutraError(f"{where}: {column} must be a positive number, not {record[column]!r}; mend or drop the row")
    return value
