"""How good searches were at every moment: hypervolume and regret against evaluations and against seconds.

Seeds give the spread: means with 95 % intervals, by the percentile bootstrap over whole searches (Efron 1979).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from experiments.seeded_searches import Evaluation
from strategies.objective import Objective
from strategies.problem import Candidate, best, front
from strategies.regret import regret, share

RESAMPLES = 5000
MOMENTS = 40  # of seconds in a curve
MEASURES = ("share", "regret")
AGAINST = ("evaluations", "seconds")


@dataclass(frozen=True)
class Trace:
    """One search: what was reached with each candidate, arrays [n]."""

    share: np.ndarray  # of the reference front's hypervolume
    regret: np.ndarray  # in score, to the best of the reference front
    evaluations: np.ndarray  # 1 to n
    seconds: np.ndarray  # since the search began

    def at(self, measure: str, against: str, moments: np.ndarray) -> np.ndarray:
        """What was reached at each moment; beyond the end what there was at the end. None is before the first."""
        places = np.searchsorted(getattr(self, against), moments, side="right") - 1
        return getattr(self, measure)[places]


Traces = Mapping[str, Sequence[Trace]]  # strategy -> one a seed


def trace(searched: Sequence[Evaluation], reference: Sequence[Candidate], worst: float, objective: Objective) -> Trace:
    """`reference` is the front, exact or not, that `searched` is measured by; `worst` seconds bound the hypervolume."""
    candidates = [one.candidate for one in searched]
    bests = list(accumulate(candidates, lambda a, b: best((a, b))))
    return Trace(
        np.fromiter(shares(candidates, reference, worst), float),
        np.array([regret([one], reference, objective) for one in bests]),
        np.arange(1, len(candidates) + 1),
        np.cumsum([one.seconds for one in searched]),
    )


def shares(candidates: Iterable[Candidate], reference: Sequence[Candidate], worst: float) -> Iterator[float]:
    """The share after each candidate."""
    known: list[Candidate] = []
    reached = 0.0
    for candidate in candidates:
        edge = front([*known, candidate])
        if edge != known:
            known, reached = edge, share(edge, reference, worst)
        yield reached


def common(traces: Traces, against: str) -> float:
    """The budget to compare all searches at.

    Of evaluations the longest search's: one that ran out of seconds before keeps what it had. Of seconds the shortest
    search's, but not before all had a candidate.
    """
    spent = [getattr(one, against) for searches in traces.values() for one in searches]
    if against == "evaluations":
        return float(max(values[-1] for values in spent))
    return float(max(min(values[-1] for values in spent), max(values[0] for values in spent)))


def moments(searches: Sequence[Trace], against: str, also: float) -> np.ndarray:
    """Of a strategy's curve: from where all its searches had a candidate to where the first ended, and `also`."""
    spent = [getattr(one, against) for one in searches]
    first, last = max(values[0] for values in spent), min(values[-1] for values in spent)
    if against == "evaluations":
        return np.unique([*np.arange(first, last + 1), also])
    return np.unique([*np.geomspace(first, max(first, last), MOMENTS), also])


def interval(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean over the seeds and its 95 % interval, each [n], of values [seeds, n]."""
    seeds = len(values)
    weights = np.random.default_rng(0).multinomial(seeds, np.full(seeds, 1 / seeds), RESAMPLES) / seeds
    low, high = np.percentile(weights @ values, (2.5, 97.5), axis=0)
    return values.mean(0), low, high


def curves(traces: Traces) -> Iterator[dict[str, object]]:
    """Rows: strategy, against, seeds, at, mean evaluations until then, and each measure with its interval."""
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
                yield {"strategy": name, "against": against, "seeds": len(searches), **dict(zip(columns, values))}
