"""How far a search stayed behind the exact answer: by its whole front, and by the one network that was wanted.

A search chooses by the accuracy that it sees; what it chose is judged by the accuracy that is reported. Where the two
differ, as validation and test accuracy do, `report` turns a candidate as seen into the same candidate as reported.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

import moocore
import numpy as np

from strategies.problems.objective import Objective
from strategies.problems.problem import Candidate, front

Report = Callable[[Candidate], Candidate]
REFERENCE = 1.1  # in every objective, where the exact front spans from 0 to 1


def as_seen(candidate: Candidate) -> Candidate:
    """Where a search sees the accuracy that is reported."""
    return candidate


def share(found: Iterable[Candidate], exact: Collection[Candidate], report: Report = as_seen) -> float:
    """Hypervolume of the search's front as a fraction of the exact one's; 1 is all of it.

    The search's front is made of the feasible candidates that no other beats by the accuracy that the search saw; its
    hypervolume is that of their reported accuracies. Error and costs are normalised so that the exact front spans
    from 0, its best, to 1, its worst; the reference point is 1.1 in each, its nadir times 1.1 (Ishibuchi et al. 2018,
    "How to Specify a Reference Point in Hypervolume Calculation for Fair Performance Comparison"). What is beyond that
    point counts nothing.
    """
    chosen = [report(candidate) for candidate in front(c for c in found if c.feasible)]
    known = _points(exact)
    best, span = known.min(0), np.ptp(known, axis=0)
    span = np.where(span > 0, span, np.where(best > 0, best, 1.0))  # a front of one network has no extent of its own

    def volume(points: np.ndarray) -> float:
        return float(moocore.hypervolume((points - best) / span, ref=[REFERENCE] * points.shape[1]))

    return volume(_points(chosen)) / volume(known) if chosen else 0.0


def regret(
    found: Iterable[Candidate], exact: Iterable[Candidate], objective: Objective, report: Report = as_seen
) -> float:
    """Simple regret (Bubeck et al. 2009): the best reported score there is, less that of the network that was chosen.

    The search chooses the candidate with the best score by the accuracy that it saw, and that one's reported accuracy
    counts. In the score's unit: under `Bounded` a fraction of the images, more than any accuracy where nothing found is
    within the limit. The exact front tells the best score, as every objective rises with accuracy and falls with
    costs.
    """

    def score(candidate: Candidate) -> float:
        return objective.score(candidate.accuracy, candidate.costs)

    return max(map(score, exact)) - score(report(max(found, key=score)))


def _points(candidates: Iterable[Candidate]) -> np.ndarray:
    """Error and costs [n, m]."""
    return np.array([[1 - c.accuracy, *c.costs.values()] for c in candidates])
