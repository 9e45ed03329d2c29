"""A problem from a CSV file of published networks: no training, and an exact front. Imports no torch.

A network has two accuracies: the one that a search sees, and the one reported for the search's choice.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from search_spaces.errors import LutraError
from search_spaces.published import networks
from search_spaces.space import Arch, SearchSpace
from strategies.problems.objective import Objective
from strategies.problems.problem import Candidate, Problem, front
from strategies.problems.published_columns import MEAN
from strategies.quality.regret import Report

DENSITY = 1e-3  # fraction of all architectures; with fewer rows, hardly any mutation or crossover would be a network


@dataclass(frozen=True)
class Table:
    """Every network of a space with its accuracies (fractions) and latency (seconds)."""

    space: SearchSpace  # each layer's options are the numbers that occur; its networks are the file's rows
    accuracy: Mapping[Arch, float]  # the accuracy that a search sees
    latency: Mapping[Arch, float]
    reported: Mapping[Arch, float]  # no search sees it, unless the file has only one accuracy

    def problem(self, objective: Objective) -> Problem:
        """The problem for a strategy."""
        return self._problem(objective, self.accuracy)

    def report(self, objective: Objective) -> Report:
        """A function from a candidate as a search sees it to the candidate with its reported accuracy."""
        problem = self._problem(objective, self.reported)
        return lambda candidate: problem.evaluate(candidate.arch)

    def front(self, objective: Objective) -> list[Candidate]:
        """The exact front of the feasible networks, by reported accuracies; fastest first."""
        problem = self._problem(objective, self.reported)
        return front(c for c in problem.evaluate_all(list(self.reported)) if c.feasible)

    def _problem(self, objective: Objective, accuracy: Mapping[Arch, float]) -> Problem:
        def accuracies(archs: Sequence[Arch]) -> list[float]:
            return [accuracy[arch] for arch in archs]

        return Problem(self.space, objective, accuracies, {"latency": self.latency.__getitem__})


def read_csv(
    path: Path,
    options: str,
    accuracy: str,
    latency: str,
    accuracy_unit: float = 0.01,
    latency_unit: float = 1e-3,
    reported: str = "",
) -> Table:
    """Reads columns by name: choices in `options`; accuracy in percent and latency in ms unless units are given.

    Searches see `accuracy`. The mean of `reported` (several names separated by "+") is reported; if it is empty,
    `accuracy` is. Architectures without a row are not networks. Raises a LutraError that names the line of a wrong row.
    """
    rows: dict[Arch, tuple[float, float, float]] = {}  # accuracy, reported accuracy, seconds
    names = (accuracy, *(reported or accuracy).split(MEAN))
    for where, picks, (ms, *percents) in networks(path, options, (latency, *names)):
        for name, percent in zip(names, percents):
            if percent * accuracy_unit > 1:
                raise LutraError(
                    f"{where}: {name} {percent:g} times the unit {accuracy_unit} is above 1, so it is no accuracy"
                )
        seen, *others = (percent * accuracy_unit for percent in percents)
        rows[picks] = seen, sum(others) / len(others), ms * latency_unit
    if len(rows) < 2:
        raise LutraError(f"{path} has {len(rows)} networks, but a search needs two or more")
    table = _table(path.stem, rows)
    tuples = math.prod(table.space.options)
    if len(rows) < DENSITY * tuples:
        raise LutraError(
            f"{path} has {len(rows)} of {tuples:.1e} architectures, but a search needs {DENSITY:.1%} of them: give a "
            "file with more"
        )
    return table


def _table(name: str, rows: Mapping[Arch, tuple[float, float, float]]) -> Table:
    """Each layer's options are the numbers that occur. The reference is the most accurate row, as seen by a search."""
    layers = tuple(tuple(sorted(set(place))) for place in zip(*rows))
    known = {tuple(map(tuple.index, layers, picks)): row for picks, row in rows.items()}
    accuracy, reported, latency = ({arch: row[column] for arch, row in known.items()} for column in range(3))
    reference = max(accuracy, key=accuracy.__getitem__)
    space = SearchSpace(name, layers, reference, known.__contains__, tuple(known))
    return Table(space, accuracy, latency, reported)
