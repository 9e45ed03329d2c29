"""How far a search is from the exact result: by its whole front, and by the one network that it chooses.

A search chooses by the accuracy that it sees; its choice is judged by the reported accuracy. If the two differ, as
validation and test accuracy do, `report` replaces a candidate's accuracy by the reported one.
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
    """Leaves a candidate as it is: the `report` of searches that see the reported accuracy."""
    return candidate


def share(found: Iterable[Candidate], exact: Collection[Candidate], report: Report = as_seen) -> float:
    """The hypervolume ratio: that of the search's front divided by that of the exact one; 1 is perfect.

    The search's front consists of the feasible candidates that are non-dominated by the accuracy that the search saw;
    its hypervolume uses their reported accuracies. Error and costs are normalised so that the exact front spans from 0
    (best) to 1 (worst); the reference point is 1.1 in each, its nadir times 1.1 (Ishibuchi et al. 2018, "How to Specify
    a Reference Point in Hypervolume Calculation for Fair Performance Comparison"). Points beyond it do not count.
    """
    chosen = [report(candidate) for candidate in front(c for c in found if c.feasible)]
    known = _points(exact)
    best, span = known.min(0), np.ptp(known, axis=0)
    span = np.where(span > 0, span, np.where(best > 0, best, 1.0))  # a front of one network has no extent

    def volume(points: np.ndarray) -> float:
        return float(moocore.hypervolume((points - best) / span, ref=[REFERENCE] * points.shape[1]))

    return volume(_points(chosen)) / volume(known) if chosen else 0.0


def regret(
    found: Iterable[Candidate], exact: Iterable[Candidate], objective: Objective, report: Report = as_seen
) -> float:
    """Simple regret (Bubeck et al. 2009): the best reported score of any network minus that of the chosen network.

    The search chooses the candidate with the best score by the accuracy that it saw; its reported accuracy counts. The
    unit is that of the score: under `Bounded` a fraction of the images, and more than any accuracy if no candidate is
    within the limit. The exact front contains the best score, because every objective increases with accuracy and
    decreases with costs.
    """

    def score(candidate: Candidate) -> float:
        return objective.score(candidate.accuracy, candidate.costs)

    return max(map(score, exact)) - score(report(max(found, key=score)))


def _points(candidates: Iterable[Candidate]) -> np.ndarray:
    """Error and costs [n, m]."""
    return np.array([[1 - c.accuracy, *c.costs.values()] for c in candidates])
