"""How far a search stayed behind the exact answer: by its whole front, and by the one network that was wanted."""

from __future__ import annotations

from collections.abc import Iterable

import moocore
import numpy as np

from strategies.objective import Objective
from strategies.problem import Candidate


def share(found: Iterable[Candidate], exact: Iterable[Candidate], worst: float) -> float:
    """Hypervolume of (error, seconds) below (1, `worst`), as a fraction of the exact front's; 1 is all of it."""

    def volume(candidates: Iterable[Candidate]) -> float:
        return moocore.hypervolume(np.array([(1 - c.accuracy, c.latency) for c in candidates]), ref=[1.0, worst])

    return volume(found) / volume(exact)


def regret(found: Iterable[Candidate], exact: Iterable[Candidate], objective: Objective) -> float:
    """Simple regret (Bubeck et al. 2009): the best score there is, less the best one found; 0 is the exact answer.

    In the score's unit: under `Bounded` a fraction of the images, more than any accuracy where nothing found is within
    the limit. The exact front tells the best score, as every objective rises with accuracy and falls with latency.
    """

    def best(candidates: Iterable[Candidate]) -> float:
        return max(objective.score(c.accuracy, c.latency) for c in candidates)

    return best(exact) - best(found)
