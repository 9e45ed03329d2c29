"""A problem read from a CSV of published networks: no training, and the exact front is known. No torch here."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from search_spaces.errors import LutraError
from search_spaces.published import networks
from search_spaces.space import Arch, SearchSpace
from strategies.objective import Objective
from strategies.problem import Candidate, Problem, front

DENSITY = 1e-3  # of all tuples of picks: with fewer rows, hardly any mutation or crossover would be a network


@dataclass(frozen=True)
class Table:
    """Every network of a space with its accuracy (fraction) and latency (seconds)."""

    space: SearchSpace  # layers of the numbers that occur; its networks are the file's rows
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
    """Columns by name: picks in `options`, accuracy in percent and latency in ms where no unit is given.

    A tuple of picks without a row is no network. Raises LutraError with the line of a row that is wrong.
    """
    rows: dict[Arch, tuple[float, float]] = {}
    for where, picks, (percent, ms) in networks(path, options, (accuracy, latency)):
        if percent * accuracy_unit > 1:
            raise LutraError(f"{where}: {accuracy} {percent:g} times the unit {accuracy_unit} is above 1")
        rows[picks] = percent * accuracy_unit, ms * latency_unit
    if len(rows) < 2:
        raise LutraError(f"{path} holds {len(rows)} networks, a search needs two or more")
    table = _table(path.stem, rows)
    tuples = math.prod(table.space.options)
    if len(rows) < DENSITY * tuples:
        raise LutraError(f"{path} holds {len(rows)} of {tuples:.1e} tuples of picks, too few to draw from")
    return table


def _table(name: str, rows: Mapping[Arch, tuple[float, float]]) -> Table:
    """Options are the numbers that occur at a place. The most accurate row is the reference."""
    layers = tuple(tuple(sorted(set(place))) for place in zip(*rows))
    arch = {picks: tuple(map(tuple.index, layers, picks)) for picks in rows}
    accuracies = {arch[picks]: accuracy for picks, (accuracy, _) in rows.items()}
    latencies = {arch[picks]: latency for picks, (_, latency) in rows.items()}
    reference = max(accuracies, key=accuracies.__getitem__)
    space = SearchSpace(name, layers, reference, accuracies.__contains__, tuple(accuracies))
    return Table(space, accuracies, latencies)
