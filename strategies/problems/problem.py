"""What a strategy is given and what it yields: the problem, its one ruler `evaluate`, and candidates. No torch here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

import numpy as np

from search_spaces.space import Arch, SearchSpace
from strategies.problems.feasible import Feasible
from strategies.problems.objective import Costs, Objective
from strategies.problems.relaxation import Relaxation
from strategies.quality.pareto import nondominated


@dataclass(frozen=True)
class Candidate:
    """An architecture and what it is worth."""

    arch: Arch
    accuracy: float  # fraction of the validation images
    costs: Costs  # predicted, by name: latency in seconds, sizes in bytes
    score: float  # the objective's, higher is better
    feasible: bool
    mixture: float | None = None  # DARTS: the accuracy of the mixture that this was discretised from, fraction

    @property
    def discretization_cost(self) -> float | None:
        """What the mixture was more accurate by, fraction; None where there was no mixture."""
        return None if self.mixture is None else self.mixture - self.accuracy


@dataclass(frozen=True)
class Problem(Feasible):
    """A space, the objective, and how an architecture's accuracy and costs are found.

    Strategies draw, mutate and cross architectures by the methods of `Feasible`, which cost nothing; what they evaluate
    is paid for. `accuracies` answers for a whole population in one call, where work may be shared and spread; the same
    architecture gets the same answer in every population. `memo` keeps every accuracy that was paid for. Filled from
    the candidates of a killed search, it lets the same seed replay that search at no cost.
    """

    space: SearchSpace
    objective: Objective
    accuracies: Callable[[Sequence[Arch]], Sequence[float]]  # fractions of the validation images
    costs: Mapping[str, Callable[[Arch], float]]  # by name: latency in seconds, sizes in bytes
    relax: Callable[[int], Relaxation] | None = None  # from a seed; None where nothing can be trained
    memo: dict[Arch, float] = field(default_factory=dict, repr=False)
    diagnose: bool = True  # whether DARTS also tells each mixture's accuracy, which a timed search does without

    def evaluate(self, arch: Arch) -> Candidate:
        """The one ruler that every strategy is judged by."""
        return self.evaluate_all([arch])[0]

    def evaluate_all(self, archs: Sequence[Arch]) -> list[Candidate]:
        """A population by the same ruler, in its order and in canonical form; each new network is paid for once."""
        networks = [self.space.canonical(arch) for arch in archs]
        unknown = [arch for arch in dict.fromkeys(networks) if arch not in self.memo]
        if unknown:
            self.memo.update(zip(unknown, self.accuracies(unknown), strict=True))
        return [self._judged(arch) for arch in networks]

    def _judged(self, arch: Arch) -> Candidate:
        accuracy, costs = self.memo[arch], self.costs_of(arch)
        return Candidate(arch, accuracy, costs, self.objective.score(accuracy, costs), self.objective.allows(costs))


Strategy = Callable[[Problem, Random], Iterator[Candidate]]


def best(candidates: Iterable[Candidate]) -> Candidate:
    """The feasible candidate with the highest score; the least infeasible one where none is feasible."""
    return max(candidates, key=lambda candidate: (candidate.feasible, candidate.score))


def front(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Those that no other beats in accuracy and every cost, the lowest first cost first; one of equals."""
    found = list(candidates)
    if not found:
        return []
    kept = nondominated(np.array([c.accuracy for c in found]), np.array([[*c.costs.values()] for c in found]))
    return [found[index] for index in kept]
