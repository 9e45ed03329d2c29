"""Networks from a CSV file: picks in one column, what is known of them in others. Errors name the file and the line."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from search_spaces.errors import LutraError, unknown
from search_spaces.space import Arch

DIGITS = 3  # of a pick
MEND = "mend or drop the row"


def networks(path: Path, options: str, columns: Sequence[str]) -> Iterator[tuple[str, Arch, list[float]]]:
    """Of each row: where it is, the picks in column `options`, the positive numbers in `columns`.

    Raises LutraError at the first line that is wrong, or that holds a network for the second time.
    """
    seen: set[Arch] = set()
    layers = 0
    for where, record in records(path, (options, *columns)):
        arch = picks(where, options, record[options], layers)
        if arch in seen:
            raise LutraError(f"{where}: {options} {record[options]!r} was there before; keep one row of each")
        seen.add(arch)
        layers = len(arch)
        yield where, arch, [number(where, column, record[column], above=0) for column in columns]


def records(path: Path, columns: Sequence[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Rows as text, each with its file and line. Raises LutraError for a column that is not there."""
    with _reader(path) as reader:
        for column in columns:
            if column not in (reader.fieldnames or ()):
                raise unknown(f"column of {path}", column, reader.fieldnames or ())
        for record in reader:
            yield f"{path}, line {reader.line_num}", record


def header(path: Path) -> Sequence[str]:
    """The names of the columns."""
    with _reader(path) as reader:
        return reader.fieldnames or ()


def picks(where: str, column: str, text: str, layers: int) -> Arch:
    """One digit a layer, or numbers with "-" between. As many as `layers`, unless that is 0."""
    parts = text.split("-") if "-" in text else list(text)
    numbers = all(part.isdecimal() and len(part) <= DIGITS for part in parts)
    if not parts or not numbers or layers not in (0, len(parts)):
        expected = f"{layers} layers, as in the first row" if layers else "one number a layer"
        raise LutraError(f"{where}: {column} must be {expected}, not {text!r}; {MEND}")
    return tuple(map(int, parts))


def number(where: str, column: str, text: str, above: float = -math.inf) -> float:
    """A finite number."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not above < value < math.inf:
        kind = "a positive number" if above == 0 else "a number"
        raise LutraError(f"{where}: {column} must be {kind}, not {text!r}; {MEND}")
    return value


@contextmanager
def _reader(path: Path) -> Iterator[csv.DictReader[Any]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:  # spreadsheets begin files with a byte order mark
            yield csv.DictReader(file, restval="")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no table of text"
        raise LutraError(f"cannot read {path}: {reason}; it must be a CSV file with a header") from None
