"""The quality of searches over time: hypervolume ratio and regret against evaluations and seconds.

Seeds give means with 95 % intervals by Student's t, because bootstrap percentiles over so few seeds are too narrow.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import isnan
from typing import Any

import numpy as np
from scipy.stats import t

from experiments.comparison.seeded_searches import Evaluation
from strategies.problems.objective import Objective
from strategies.problems.problem import Candidate, best, front
from strategies.quality.regret import Report, regret, share

LEVEL = 0.95  # of intervals
MOMENTS = 40  # points of a curve over seconds
MEASURES = ("share", "regret")
AGAINST = ("evaluations", "seconds")


@dataclass(frozen=True)
class Trace:
    """One search: its state after each candidate, by reported accuracies; arrays [n]."""

    share: np.ndarray  # hypervolume relative to the reference front's, see `strategies.quality.regret`
    regret: np.ndarray  # of the best candidate so far, in score, relative to the reference front's best
    evaluations: np.ndarray  # 1 to n
    seconds: np.ndarray  # since the search began

    def at(self, measure: str, against: str, moments: np.ndarray) -> np.ndarray:
        """The measure's value at each moment; after the end, the last value. No moment is before the first."""
        places = np.searchsorted(getattr(self, against), moments, side="right") - 1
        return getattr(self, measure)[places]


Traces = Mapping[str, Sequence[Trace]]  # strategy -> one trace per seed


def trace(
    searched: Sequence[Evaluation], reference: Sequence[Candidate], objective: Objective, report: Report
) -> Trace:
    """The trace of `searched`, relative to the front `reference`, which may be exact or not."""
    candidates = [one.candidate for one in searched]
    bests = list(accumulate(candidates, lambda a, b: best((a, b))))
    return Trace(
        np.fromiter(shares(candidates, reference, report), float),
        np.array([regret([one], reference, objective, report) for one in bests]),
        np.arange(1, len(candidates) + 1),
        np.cumsum([one.seconds for one in searched]),
    )


def shares(candidates: Iterable[Candidate], reference: Sequence[Candidate], report: Report) -> Iterator[float]:
    """The hypervolume ratio after each candidate."""
    known: list[Candidate] = []
    reached = 0.0
    for candidate in candidates:
        if candidate.feasible and (edge := front([*known, candidate])) != known:
            known, reached = edge, share(edge, reference, report)
        yield reached


def common(traces: Traces, against: str) -> float:
    """The budget at which all searches are compared.

    For evaluations, that of the longest search: a search that ran out of time earlier keeps its last value. For
    seconds, that of the shortest search, but not before every search has a candidate.
    """
    spent = [getattr(one, against) for searches in traces.values() for one in searches]
    if against == "evaluations":
        return float(max(values[-1] for values in spent))
    return float(max(min(values[-1] for values in spent), max(values[0] for values in spent)))


def moments(searches: Sequence[Trace], against: str, also: float) -> np.ndarray:
    """The points of a strategy's curve: from when all searches have a candidate until one ends, and `also`."""
    spent = [getattr(one, against) for one in searches]
    first, last = max(values[0] for values in spent), min(values[-1] for values in spent)
    if against == "evaluations":
        return np.unique([*np.arange(first, last + 1), also])
    return np.unique([*np.geomspace(first, max(first, last), MOMENTS), also])


def interval(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean over the seeds and its 95 % interval, each [n], of values [seeds, n]; with one seed the interval is NaN."""
    seeds, mean = len(values), values.mean(0)
    if seeds < 2:
        return mean, np.full_like(mean, np.nan), np.full_like(mean, np.nan)
    half = t.ppf((1 + LEVEL) / 2, seeds - 1) * values.std(0, ddof=1) / seeds**0.5
    return mean, mean - half, mean + half


def curves(traces: Traces) -> Iterator[dict[str, Any]]:
    """Yields the rows of curves.csv, as in `paper.rows.Curve`; a single seed has no intervals."""
    for against in AGAINST:
        also = common(traces, against)
        for name, searches in traces.items():
            places = moments(searches, against, also)
            done = np.mean([one.at("evaluations", against, places) for one in searches], 0)
            columns: dict[str, np.ndarray] = {"at": places, "evaluations": done}
            for measure in MEASURES:
                mean, low, high = interval(np.array([one.at(measure, against, places) for one in searches]))
                columns |= {measure: mean, f"{measure}_low": low, f"{measure}_high": high}
            for values in zip(*(column.tolist() for column in columns.values())):
                known = {column: None if isnan(value) else value for column, value in zip(columns, values)}
                yield {"strategy": name, "against": against, "seeds": len(searches), **known}
