"""A problem read from a CSV of published networks: no training, and the exact front is known. No torch here."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from search_spaces.errors import LutraError, unknown
from search_spaces.space import Arch, SearchSpace
from strategies.objective import Objective
from strategies.problem import Candidate, Problem, front

DENSITY = 1e-3  # of all tuples of picks: with fewer rows, a strategy would draw for ever


@dataclass(frozen=True)
class Table:
    """Every network of a space with its accuracy (fraction) and latency (seconds)."""

    space: SearchSpace  # layers of the digits that occur; `valid` where the file has a row
    accuracy: Mapping[Arch, float]
    latency: Mapping[Arch, float]

    def problem(self, objective: Objective) -> Problem:
        def accuracies(archs: Sequence[Arch]) -> list[float]:
            return [self.accuracy[arch] for arch in archs]

        return Problem(self.space, objective, accuracies, self.latency.__getitem__)

    def front(self, objective: Objective) -> list[Candidate]:
        """The exact front, fastest first."""
        problem = self.problem(objective)
        return front(problem.evaluate(arch) for arch in self.accuracy)


def read_csv(
    path: Path, options: str, accuracy: str, latency: str, accuracy_unit: float = 0.01, latency_unit: float = 1e-3
) -> Table:
    """Columns by name: `options` one digit a layer, accuracy in percent and latency in ms where no unit is given.

    A tuple of picks without a row is no network. Raises LutraError with the line of a row that is wrong.
    """
    rows: dict[str, tuple[float, float]] = {}
    for line, record in _records(path, (options, accuracy, latency)):
        where, digits = f"{path}, line {line}", record[options]
        if digits in rows:
            raise LutraError(f"{where}: {options} {digits!r} was there before. Keep one row of each network")
        if not digits.isdecimal() or (rows and len(digits) != len(next(iter(rows)))):
            raise LutraError(
                f"{where}: {options} must be one digit a layer, as many as in the first row, not {digits!r}"
            )
        fraction = _number(where, accuracy, record[accuracy]) * accuracy_unit
        seconds = _number(where, latency, record[latency]) * latency_unit
        if fraction > 1:
            raise LutraError(f"{where}: {accuracy} {record[accuracy]} times the unit {accuracy_unit} is above 1")
        rows[digits] = fraction, seconds
    if len(rows) < 2:
        raise LutraError(f"{path} holds {len(rows)} networks, a search needs two or more")
    table = _table(path.stem, rows)
    if len(rows) < DENSITY * table.space.size:
        raise LutraError(f"{path} holds {len(rows)} of {table.space.size:.1e} tuples of picks, too few to draw from")
    return table


def _records(path: Path, columns: tuple[str, ...]) -> list[tuple[int, dict[str, str]]]:
    """Rows with their line numbers."""
    try:
        with path.open(newline="") as file:
            reader = csv.DictReader(file, restval="")
            for column in columns:
                if column not in (reader.fieldnames or ()):
                    raise unknown(f"column of {path}", column, reader.fieldnames or ())
            return [(reader.line_num, record) for record in reader]
    except OSError as error:
        raise LutraError(f"cannot read {path}: {error.strerror}") from None


def _number(where: str, column: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise LutraError(f"{where}: {column} must be a positive number, not {text!r}. Mend or drop the row")
    return value


def _table(name: str, rows: Mapping[str, tuple[float, float]]) -> Table:
    """Options are the digits that occur at a place. The most accurate row is the reference."""
    layers = tuple(tuple(sorted(set(place))) for place in zip(*rows))
    arch = {digits: tuple(map(tuple.index, layers, digits)) for digits in rows}
    accuracies = {arch[digits]: accuracy for digits, (accuracy, _) in rows.items()}
    latencies = {arch[digits]: latency for digits, (_, latency) in rows.items()}
    reference = max(accuracies, key=accuracies.__getitem__)
    return Table(SearchSpace(name, layers, reference, accuracies.__contains__), accuracies, latencies)
