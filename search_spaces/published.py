"""Published networks in a CSV file: one column of choices, others of measurements. Errors name file and line."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from search_spaces.documents import read_csv, read_header
from search_spaces.errors import LutraError
from search_spaces.space import Arch

DIGITS = 3  # most digits of a choice
WHAT = "CSV file with a header"
MEND = "fix or remove the row"


def networks(path: Path, options: str, columns: Sequence[str]) -> Iterator[tuple[str, Arch, list[float]]]:
    """Yields for each row its place, the choices in column `options`, and the positive numbers in `columns`.

    Raises LutraError at the first line that is wrong or repeats a network.
    """
    seen: set[Arch] = set()
    layers = 0
    for where, record in records(path, (options, *columns)):
        arch = picks(where, options, record[options], layers)
        if arch in seen:
            raise LutraError(f"{where}: {options} {record[options]!r} appears twice; keep one row of each network")
        seen.add(arch)
        layers = len(arch)
        yield where, arch, [number(where, column, record[column], above=0) for column in columns]


def records(path: Path, columns: Sequence[str]) -> list[tuple[str, dict[str, str]]]:
    """Rows as text, each with its file and line. Raises LutraError for an unknown column."""
    return read_csv(_there(path), columns, WHAT)


def header(path: Path) -> Sequence[str]:
    """The names of the columns."""
    return read_header(_there(path), WHAT)


def _there(path: Path) -> Path:
    if not path.exists():
        raise LutraError(f"cannot read {path}: there is no such file; it must be a {WHAT}")
    return path


def picks(where: str, column: str, text: str, layers: int) -> Arch:
    """One digit per layer, or numbers separated by "-". There must be `layers` of them, unless that is 0."""
    parts = text.split("-") if "-" in text else list(text)
    numbers = all(part.isdecimal() and len(part) <= DIGITS for part in parts)
    if not parts or not numbers or layers not in (0, len(parts)):
        expected = f"{layers} layers, as in the first row" if layers else "one number per layer"
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
