"""The table of a search's candidates: the rows of candidates.csv."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from experiments.steps.settings import Search
from experiments.store import artefacts
from predictors import costs
from search_spaces.costs import macs, parameters
from search_spaces.space import Arch
from strategies.problems.objective import Objective
from strategies.problems.problem import Candidate


def candidate_rows(
    settings: Search, objective: Objective, found: Sequence[Candidate], trained: Mapping[Arch, float]
) -> list[dict[str, Any]]:
    """Every candidate in order. `trained`: the accuracies of finalists after their training, which have scores too."""
    space = settings.space
    scores = {one.arch: objective.score(trained[one.arch], one.costs) for one in found if one.arch in trained}
    return [
        {
            "index": index,
            "strategy": settings.strategy.name,
            "seed": settings.seed,
            "arch": artefacts.arch_name(candidate.arch),
            "accuracy": candidate.accuracy,
            **costs.columns(candidate.costs),
            "score": candidate.score,
            "feasible": candidate.feasible,
            "timed": candidate.timed,
            "trained_accuracy": trained.get(candidate.arch),
            "trained_score": scores.get(candidate.arch),
            "discretization_cost": candidate.discretization_cost,
            "macs": macs(space.decode(candidate.arch)),
            "parameters": parameters(space.decode(candidate.arch)),
        }
        for index, candidate in enumerate(found)
    ]
